"""The engine that carries out any table of `saga.py`. Each function that writes holds the run.

`steps` begins a step when its message comes, `calling` makes the call after that commit, `results`
writes down how it ended and decides what comes next, `compensation` goes the way back.
"""

from orders.engine.again import try_again
from orders.engine.begin import start
from orders.engine.compensation import turn_back

__all__ = ["start", "try_again", "turn_back"]
