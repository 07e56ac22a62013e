"""The outside services, each spoken to in one place. Every request has a time-out."""
