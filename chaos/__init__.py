"""Chaos: a stack of its own, a mixed load over HTTP, faults from a seed, books that are checked.

In reading order: `run` (the whole course), `stack` (the processes), `load` (what is asked of them),
`plan` and `faults` (what is done to them), `checkers` (what must be true all the same), `recovery`
(how long it took), `report`. `planted` and `bugs` are what runs *inside* the processes under test,
and only in a home that this command has made.
"""
