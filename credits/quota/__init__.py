"""What may be sent now: the provider's rate, shared by all workers, and each community's day."""
