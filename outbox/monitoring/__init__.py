"""What goes on in the outbox: rates, latencies, backlog, failures; search over its messages.

Everything here is read by people and dashboards, and decides nothing. Each read is bounded, however
many messages there are: it walks along an index, or stops after so many rows and says so.
"""
