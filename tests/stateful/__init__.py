"""Acts in any order, against a simple model in memory, on a real PostgreSQL.

Hypothesis invents the acts (what users, workers, relays, providers and crashes do) and after each
one the tables must say what the model says. `HYPOTHESIS_PROFILE` chooses how much:

| profile | for | what |
| --- | --- | --- |
| (none) | every run of the suite | the same acts each time, some seconds, nothing is shrunk |
| shrink | finding out why | the very same acts, and the shortest of them that still fail |
| large | a long look | new acts each time, an hour or so; failures are kept in `.hypothesis` |

    $ HYPOTHESIS_PROFILE=large make test ARGS="tests/stateful -p no:faulthandler"
"""
