"""`manage.py up`: one small process that starts the whole system and restarts what dies."""
