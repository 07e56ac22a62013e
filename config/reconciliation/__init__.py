"""The pages of reconciliation: runs, findings, what was mended and what waits for a person."""
