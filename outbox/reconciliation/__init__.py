"""Reconciliation: comparing what is with what should be, and mending what differs.

At-least-once needs somebody who looks. Each app registers its checks from a module named
`reconciliation`, as Django's system checks are registered.
"""

from outbox.reconciliation.checks import Check, Page, Suspect, register, registered

__all__ = ["Check", "Page", "Suspect", "register", "registered"]
