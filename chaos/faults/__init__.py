"""The faults: a name, and what it does to a site. Listing this folder lists what can go wrong."""

from chaos.faults import broker, dispatches, doubles, freezes, kills, postgres, providers, rolling
from chaos.faults.site import Fault, Lasting, Site

FAULTS: dict[str, Fault] = {
    "kill_worker_child": kills.worker_child,
    "kill_worker": kills.worker,
    "kill_relay": kills.relay,
    "kill_beat": kills.beat,
    "kill_web": kills.web,
    "kill_web_child": kills.web_child,
    "kill_provider": kills.provider,
    "freeze_worker": freezes.worker,
    "freeze_relay": freezes.relay,
    "freeze_beat": freezes.beat,
    "freeze_web": freezes.web,
    "freeze_broker": freezes.broker,
    "freeze_postgres": freezes.postgres,
    "kill_broker": broker.kill,
    "flush_broker": broker.flush,
    "full_disk_of_broker": broker.full_disk,
    "kill_postgres": postgres.kill,
    "stop_postgres_immediately": postgres.stop_immediately,
    "kill_backend": postgres.kill_backend,
    "end_all_connections": postgres.end_all_connections,
    "duplicate_dispatches": dispatches.duplicate,
    "reorder_dispatches": dispatches.reorder,
    "delay_dispatches": dispatches.delay,
    "forge_dispatches": dispatches.forge,
    "two_beats": doubles.beats,
    "two_relays": doubles.relays,
    "provider_misbehaves": providers.misbehave,
    "rolling_restart": rolling.restart,
    "clock_step": doubles.worker_with_another_clock,
}

if broker.PRLIMIT is None:
    del FAULTS["full_disk_of_broker"]
if not doubles.CLOCKS_CAN_BE_SET:
    del FAULTS["clock_step"]

__all__ = ["FAULTS", "Fault", "Lasting", "Site"]
