"""The newcomer's tour: five ways to break it, and what holds. Its buttons exist only with servers
of our own: in a deployment there are none, and no address to press.
"""
