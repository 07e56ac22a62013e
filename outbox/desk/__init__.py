"""The dead-letter desk: what a person needs to deal with what machines could not.

`groups` says what went wrong, how often and since when; `acts` redrives and discards, one message,
a selection or everything that matches, each act in an audit log.
"""
