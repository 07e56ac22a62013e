"""What runs inside the processes under test, in a home that `manage.py chaos` has made."""
