"""`python -m sandbox serve --port …`, and the other commands without Django."""

from sandbox.command_line import main

main()
