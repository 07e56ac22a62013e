"""What no race needs, and what it is there for: the reasons that hold whatever the race."""

SPARE = {
    "FOR ": "",  # a whole row lock never goes without a reason of its form's own
    "SKIP LOCKED": "throughput: without it a worker queues for a row that another one works on",
    "due_at <=": "it says when, not who: a message that is run early is not run twice",
    "attempts = 0": "poison: only a first run may go without a run record",
    "crashes = 0": "poison: only a first run may go without a run record",
    "NOT message.alone": "poison: a suspect runs alone, under a run record",
    "THEN place = 1 ELSE NOT alone": "poison: a suspect runs alone",
    "place = 1": "it says which of the recorded is meant",
    "FROM outbox_pause": "a pause, which keeps a message from everybody alike; none is in force",
    "target = ANY": "it says which pauses are meant, and none is in force",
    "(due_at, id) >=": "speed: the look begins behind what is finished",
    "state = 'pending' in WITH own": "the claim asks the same: what is finished would be recorded, "
    "and not run",
    "FROM outbox_run": "two records of one message; its claim asks for its state and lets one of "
    "them run it",
    "product.version = step.version": "a second line behind the product's row lock; its count is "
    "checked",
    "started_at <": "grace: without it a run that is about to begin counts as crashed, and the row "
    "lock still keeps it from running twice",
    "outcome IS NULL": "a second line behind the reduction's row lock; its count is checked",
    "pg_try_advisory_xact_lock(%s)": "a courtesy to the broker: two relays ring twice, and the "
    "second dispatch finds nothing to do",
}
"""What is not there for correctness, whatever the race, and what it is there for."""
