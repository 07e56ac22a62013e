"""How fast it is, beside what: `make bench` (everything), `make bench QUICK=1` (a few minutes)."""
