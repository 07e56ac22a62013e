"""What can go wrong with an exploration itself, as against with the code that is explored."""


class ExplorerError(Exception):
    """The exploration cannot go on. It says nothing about the code that was explored."""


class ServerNotControlled(ExplorerError):
    """The explorer may not hold, cancel or end this server's backends.

    It needs a server of its own: local, autovacuum off, a superuser's connection, and the right to
    send signals to its processes.
    """


class NeverCameBack(ExplorerError):
    """A worker was let go on and neither reached a statement, nor ended, nor waits for another."""


class NeverEnds(ExplorerError):
    """A worker made more steps than one run may have: a loop that waits by asking again."""


class ThreadLeftBehind(ExplorerError):
    """A callable started a thread that outlived it; nobody schedules what that thread does."""


class Divergence(ExplorerError):
    """The same choices led somewhere else: chance, time or leftover state is in the callables."""


class ScheduleDoesNotFit(ExplorerError):
    """A schedule's text names a step that cannot be taken at that place."""


class InsideTransaction(ExplorerError):
    """The explorer was called inside a transaction, where nobody else can see what was set up."""


class NoYieldPoint(ExplorerError):
    """A callable does what the explorer cannot step through."""


class NothingMutated(ExplorerError):
    """A mutation matched no statement, so that its verdict would say nothing."""


class NoValidSql(ExplorerError):
    """PostgreSQL does not understand a mutant: nobody asked it anything."""


class Killed(BaseException):
    """The worker's process is dead. Not an Exception: no handler of a dead process runs."""


class Abandoned(Killed):
    """The run was given up (its continuation is known, or an error ends it)."""
