"""What should hold between credits, entries, texts and the provider's list; checked every night."""

from credits.reconciliation import provider, stuck, totals
from outbox.reconciliation import register

for _check in (*totals.CHECKS, *stuck.CHECKS, *provider.CHECKS):
    register(_check)
