"""One chaos run, from an empty folder to a verdict."""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from chaos import checkers, night, plan, world
from chaos.checkers import Books, Violation, findings
from chaos.checkers.books import Harm, each_once
from chaos.client import Client
from chaos.faults import FAULTS, Site
from chaos.injection import Injected, Injection
from chaos.journal import Journal
from chaos.load import Load
from chaos.observer import Observer
from chaos.pace import Pace
from chaos.probes import Probes
from chaos.settle import LONGEST_DUE, Settled, settle
from chaos.stack import Stack
from chaos.watch import Watch
from sandbox.control import PROVIDERS, Control

logger = logging.getLogger("chaos")
Say = Callable[[str], None]


@dataclass(frozen=True)
class Wish:
    """What somebody wants to see."""

    messages: int
    faults: int
    seed: int
    minutes: float  # at most, for load and faults; starting and settling come on top
    longest_fault: float = 40.0  # seconds that one fault may last
    kinds: tuple[str, ...] = tuple(FAULTS)
    bug: str = ""  # one of chaos.planted.bugs, to see it found
    keep: bool = False  # the home, with its data and logs


@dataclass(frozen=True)
class Outcome:
    """What came of it."""

    wish: Wish
    journal: Journal
    injected: list[Injected]
    probes: Probes
    settled: Settled
    violations: list[Violation]
    messages: int
    reads: int  # rounds of live checks
    seconds: float
    facts: dict[str, int]  # counted at the end: texts, orders with a person, dead letters, …
    asking: Sequence[tuple[float, float]]  # texts and steps of orders: when each began and ended


def run(wish: Wish, say: Say) -> Outcome:
    """Carry it out. Raises stack.CannotStart. Leaves nothing behind."""
    start = time.monotonic()
    say("starting a stack of its own")
    with _stack(wish, say) as stack:
        observer, journal = Observer(stack.running.database_url), Journal()
        client = Client(stack.webs, stack.manage("api_token", "operator"))
        world.make(stack, observer, client, journal)
        course = _Course(wish, stack, client, journal, say)
        course.drive()
        settled = settle(observer, course.faults_over, course.watch.longest_due, say)
        return course.judge(observer, settled, start)


class _Course:
    """The part under load, and the verdict on it."""

    def __init__(
        self, wish: Wish, stack: Stack, client: Client, journal: Journal, say: Say
    ) -> None:
        url = stack.running.database_url
        self.wish, self.stack, self.journal, self.say = wish, stack, journal, say
        self.client = client
        self.faults_over = time.time()
        self.watch = Watch(Observer(url), client, say)
        self.probes = Probes(client, journal, Observer(url))
        site = Site(stack, Observer(url, patience=5), wish.longest_fault)
        self.injection = Injection(site, self.probes, wish.seed, self._tell)
        until = time.monotonic() + wish.minutes * 60
        count = lambda: len(self.injection.injected)  # noqa: E731
        self.pace = Pace(self.watch, self.probes, wish.messages, wish.faults, count, until)
        self.load = Load(client, journal, wish.seed, self.pace.gate)
        self.night = night.Night(stack, lambda: self.watch.done * 2 >= wish.messages)

    def drive(self) -> None:
        """Load, probes, live checks, faults and, at half time, a dry run of the night's
        reconciliation at once, until all of it has been done."""
        plan_ = plan.draw(self.wish.kinds, faults=self.wish.faults, seed=self.wish.seed)
        regulating = threading.Event()
        regulator = threading.Thread(target=self._regulate, args=(regulating,), name="pace")
        for part in (self.watch, self.probes, self.load, regulator, self.night):
            part.start()
        try:
            self.injection.carry_out(plan_, self.pace.goes_on)
            self.faults_over = self.watch.faults_over = self.injection.over or time.time()
            self.pace.finish_load()
        except BaseException:
            self.client.patience = 0  # whoever interrupts us does not want to wait for answers
            raise
        finally:
            regulating.set()
            regulator.join()
            for part in (self.load, self.probes, self.night, self.watch):
                part.stop()

    def judge(self, observer: Observer, settled: Settled, start: float) -> Outcome:
        """Read all the books and compare."""
        self.say("comparing the books")
        self.probes.finished |= dict(observer.insist(_FINISHED))
        self.watch.look()
        control = Control(self.stack.home / "sandbox")
        logs = {name: control.log(name) for name in PROVIDERS}
        mails = self.stack.home / "mails"
        books = Books(self.journal, observer, logs, mails, self.faults_over)
        time.sleep(max(0.0, self.faults_over + findings.FELT - time.time()))
        night.after_all(self.stack, lambda: findings.gone_through(books))
        seen = self.watch.violations.values()
        found = [*seen, *checkers.check_all(books), *_late(settled)]
        control.close()
        return Outcome(
            wish=self.wish,
            journal=self.journal,
            injected=self.injection.injected,
            probes=self.probes,
            settled=settled,
            violations=each_once(found),
            messages=self.watch.done,
            reads=self.watch.reads,
            seconds=time.monotonic() - start,
            facts=dict(observer.insist(_FACTS)),
            asking=observer.insist(_ASKING),
        )

    def _regulate(self, end: threading.Event) -> None:
        while not end.wait(0.2):
            self.pace.regulate()

    def _tell(self, what: str) -> None:
        done, waiting = self.watch.done, self.watch.waiting
        faults = f"fault {len(self.injection.injected) + 1}/{self.wish.faults}"
        self.say(f"{done} messages done, {waiting} due | {faults}: {what}")


def _late(settled: Settled) -> list[Violation]:
    late = []
    if settled.longest_due > LONGEST_DUE:
        what = f"a message was due for {settled.longest_due:.1f} s after the faults"
        late.append(Violation("late", Harm.LOST, "outbox", what))
    for kind, count in settled.open.items():
        late.append(Violation("late", Harm.LOST, kind, f"{count} have not ended"))
    return late


@contextmanager
def _stack(wish: Wish, say: Say) -> Iterator[Stack]:
    stack = Stack(bug=wish.bug, keep=wish.keep)
    if wish.keep:
        say(f"its home stays: {stack.home}")
    try:
        stack.start()
        yield stack
    finally:
        stack.stop()


_FINISHED = """
    SELECT id::text, extract(epoch FROM finished_at)::float8 FROM pricing_pricereduction
    WHERE finished_at IS NOT NULL AND category = ''
    UNION ALL SELECT number::text, extract(epoch FROM at)::float8 FROM chaos_effect
"""
_ASKING = """
    SELECT extract(epoch FROM started_at)::float8, extract(epoch FROM finished_at)::float8
    FROM orders_sagastep WHERE started_at IS NOT NULL AND finished_at IS NOT NULL
    UNION ALL
    SELECT extract(epoch FROM min(event.at))::float8, extract(epoch FROM finished_at)::float8
    FROM credits_textmessage AS text JOIN credits_textevent AS event
    ON event.text_id = text.id AND event.kind = 'sending'
    WHERE finished_at IS NOT NULL GROUP BY text.id
"""
_FACTS = """
    SELECT 'texts', count(*) FROM credits_textmessage
    UNION ALL SELECT 'texts_unknown', count(*) FROM credits_textmessage WHERE state = 'unknown'
    UNION ALL SELECT 'late_proofs', count(*) FROM credits_finding
    UNION ALL SELECT 'campaigns', count(*) FROM credits_campaign
    UNION ALL SELECT 'reductions', count(*) FROM pricing_pricereduction
    UNION ALL SELECT 'price_changes', count(*) FROM pricing_pricechange
    UNION ALL SELECT 'orders', count(*) FROM orders_order
    UNION ALL SELECT 'orders_with_a_person', count(*) FROM orders_order
    WHERE status = 'needs_person'
    UNION ALL SELECT 'bare_effects', count(*) FROM chaos_effect
    UNION ALL SELECT 'dead_letters', count(*) FROM outbox_message WHERE state = 'dead'
    UNION ALL SELECT 'reconciliations', count(*) FROM outbox_reconciliation
    WHERE finished_at IS NOT NULL
    UNION ALL SELECT 'messages_in_all', count(*) FROM outbox_message
"""
