"""The operations pages: what goes on, what waits, who does what now, and what a person may do."""
