"""The job that everybody does: deduct one credit if there is any, and write the ledger entry."""
