"""Children that do not outlive their parent, whatever kills it."""

import ctypes
import os
import signal
import sys
from collections.abc import Callable

PR_SET_PDEATHSIG = 1  # linux/prctl.h
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def end_with_parent(how: signal.Signals = signal.SIGTERM) -> Callable[[], None]:
    """A `preexec_fn`: the kernel sends the child `how` when the thread that started it ends.

    It must run after any change of user, which clears the setting (prctl(2)); subprocess does so.
    Only Linux has it. Elsewhere the next start ends what it finds (see supervisor/leftovers.py).
    """
    parent = os.getpid()

    def leash() -> None:
        if _libc is not None:
            _libc.prctl(PR_SET_PDEATHSIG, how)
            if os.getppid() != parent:  # it died before we asked
                os._exit(1)

    return leash
