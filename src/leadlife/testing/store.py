"""The contract of a store, as laws that are checked while random leads live in it and beside it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, suppress
from datetime import datetime, timedelta
from typing import Any

from hypothesis import example, given, note, settings
from hypothesis import strategies as st

from leadlife.errors import MoveRefused, UnknownLead, VersionConflict
from leadlife.facts import ActivityRecorded, EvidenceGiven, Fact, FieldChanged, Retracted
from leadlife.journey import Journey
from leadlife.playbook.fields import FieldSpec
from leadlife.playbook.playbook import Playbook
from leadlife.presets import eight_stage
from leadlife.scoring import ActivityRule, Points
from leadlife.stores import BEGINNING, LeadState, Store, StoredFact
from leadlife.testing.contract import PHASES, SUPPRESSED_CHECKS
from leadlife.testing.strategies import EPOCH
from leadlife.timing import elapsed

LEADS = ("ada", "bob", "Cleo O'Hara", "ada/2")
PIPELINES = ("main", "renewals")

OpenStore = Callable[[Playbook], AbstractContextManager[Any]]
"""Opens a new, empty store whose leads begin under a playbook, and closes it."""


def check_store(open_store: OpenStore, *, examples: int = 25) -> None:
    """Check a store against the contract of ``leadlife.stores.Store``, beside plain journeys in memory.

    The laws:

    - What is saved is loaded again, and equals the same journey that was never stored.
    - A save under an expected version that is not the stored one raises ``VersionConflict`` and changes nothing.
    - ``find`` lists the leads that a look at every journey would list, once each, page by page, in the order of keys.
    - ``facts_since`` gives every observed fact once, and what the playbook concluded; a position goes on after itself.
    - ``sweep`` changes what ticking each lead would change, and the second time nothing.

    Args:
        open_store: Opens a new, empty store, as a context manager.
        examples: The number of examples to try.

    Raises:
        AssertionError: A law is broken. The message names it, with the smallest example found.
    """

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=PHASES,
        suppress_health_check=SUPPRESSED_CHECKS,
    )
    @given(st.lists(_STEPS, max_size=25))
    @example([*_UNTIL_LEAD, ("sweep", _ADA, 2_000)])
    @example([*_UNTIL_LEAD, ("sweep", _ADA, _LIMIT), ("behind", _ADA, _LIMIT), ("sweep", _ADA, 2_000)])
    @example([*_UNTIL_LEAD[:-1], ("retract", _ADA, 8)])
    @example([*_UNTIL_LEAD[:3], ("planned", _ADA, 8), ("sweep", _ADA, 2_000)])
    def laws(steps: list[tuple[Any, ...]]) -> None:
        with open_store(playbook()) as store:
            beside = Beside(store)
            for step in steps:
                note(f"step: {step}")
                beside.take(*step)
            beside.check()

    laws()


def playbook() -> Playbook:
    """Return the playbook that the leads of the check live under: limits, qualifications and a score that fades."""
    rule = ActivityRule(name="calls", kinds="call", points=10, half_life=elapsed(days=5))
    calls = Points(name="calls", rules=[rule], bands={"warm": 8})
    return eight_stage().with_score(calls).with_fields(size=FieldSpec(type="integer"), phone=FieldSpec(personal=True))


_LEAD = st.tuples(st.sampled_from(LEADS), st.sampled_from(PIPELINES))
_HOURS = st.integers(0, 600)
_STEPS = st.one_of(
    st.tuples(st.just("start"), _LEAD, _HOURS),
    st.tuples(
        st.sampled_from(
            ("call", "reply", "page_view", "phone", "size", "fit", "mql", "sql", "engage", "qualify", "open")
        ),
        _LEAD,
        _HOURS,
    ),
    st.tuples(st.sampled_from(("recycle", "retract", "late", "stale", "behind", "planned")), _LEAD, _HOURS),
    st.tuples(st.just("sweep"), _LEAD, st.integers(0, 2_000)),
)


_ADA = ("ada", "main")
_UNTIL_LEAD = [
    (what, _ADA, hours) for hours, what in enumerate(("start", "reply", "engage", "fit", "target", "mql", "qualify"))
]
"""A lead whose stage has a limit, so that every run sweeps something: it comes due, it does for a server whose clock is
behind, what was concluded is taken back, and a planned fact takes effect."""
_LIMIT = 6 + 14 * 24
"""The hour at which that limit comes due."""


class Beside:
    """A store, and the same journeys beside it, which were never stored."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.journeys: dict[tuple[str, str], Journey] = {}
        self.now: datetime = EPOCH

    def take(self, what: str, key: tuple[str, str], hours: int) -> None:
        """Take one step in both."""
        at = self.now = max(self.now, EPOCH + timedelta(hours=hours))
        known = self.journeys.get(key)
        if what == "sweep":
            self._sweep()
        elif known is None:
            self._start(key, at)
        elif what == "stale":
            self._stale(known)
        elif what != "start":
            with suppress(MoveRefused):
                self._save(key, _changed(known, what, at), expected=known.version)

    def _start(self, key: tuple[str, str], at: datetime) -> None:
        lead, pipeline = key
        try:
            self.store.load(lead, pipeline=pipeline)
        except UnknownLead:
            pass
        else:
            raise AssertionError(f"law of loading: {key} was never saved, and is there")
        self._save(key, Journey.start(lead, playbook(), at=at, stage="name", pipeline=pipeline), expected=0)

    def _save(self, key: tuple[str, str], journey: Journey, *, expected: int) -> None:
        stored = journey
        if expected:
            # What is saved grows from what was loaded, as a host does it.
            loaded = self.store.load(key[0], pipeline=key[1])
            _law(_ids(loaded.facts) == _ids(journey.facts[:expected]), "law of loading: every fact is there")
            stored = loaded.record_all(journey.facts[expected:], now=journey.facts[-1].recorded_at)
        saved = self.store.save(stored, expected_version=expected)
        before = self.journeys.get(key)
        present = None if before is None else before.at
        # What time has concluded stays concluded, though this writer's clock is behind.
        behind = present is not None and journey.at is not None and journey.at < present
        self.journeys[key] = journey.tick(present) if behind and present is not None else journey
        said = [fact.id for fact in saved.facts]
        _law(said == [fact.id for fact in journey.facts[expected:]], "law of saving: the new facts are returned")

    def _stale(self, known: Journey) -> None:
        new = known.record(ActivityRecorded(kind="call", at=self.now), now=self.now)
        try:
            self.store.save(new, expected_version=known.version - 1)
        except VersionConflict:
            return
        raise AssertionError("law of versions: a save under another expected version raises VersionConflict")

    def _sweep(self) -> None:
        expected: Counter[str] = Counter()
        for key, journey in self.journeys.items():
            ticked = journey.tick(self.now)
            expected.update(fact.id for fact in ticked.facts_since(journey))
            self.journeys[key] = ticked
        swept: Counter[str] = Counter()
        for one in self.store.sweep(self.now):
            _law(one.error is None, f"law of sweeping: a lead failed: {one.error}")
            swept.update(fact.id for fact in one.new)
        _law(swept == expected, "law of sweeping: it concludes what ticking each lead concludes")
        _law(not [*self.store.sweep(self.now)], "law of sweeping: the second time it changes nothing")

    def check(self) -> None:
        """Check every law at the end."""
        for (lead, pipeline), journey in self.journeys.items():
            loaded = self.store.load(lead, pipeline=pipeline)
            same = loaded.tick(max(self.now, loaded.at or self.now)) == journey.tick(self.now)
            _law(same, "law of loading: what was saved is loaded again")
        self._check_finding()
        self._check_log()

    def _check_finding(self) -> None:
        for stage in ("name", "engagement", "lead", "recycled", "customer"):
            expected = sorted(key for key, journey in self.journeys.items() if journey.stage == stage)
            found = self._pages(stage=stage)
            _law(found == expected, f"law of finding: the leads in {stage!r}, in the order of their keys")
        held = sorted(key for key, journey in self.journeys.items() if "mql" in journey.qualifications)
        _law(self._pages(qualification="mql") == held, "law of finding: those that hold a qualification")

    def _pages(self, **wanted: Any) -> list[tuple[str, str]]:
        found: list[tuple[str, str]] = []
        last: LeadState | None = None
        for _ in range(len(self.journeys) + 1):
            page = self.store.find(**wanted, after=last, limit=2)
            if not page:
                break
            found += [(one.lead, one.pipeline) for one in page]
            last = page[-1]
        return found

    def _check_log(self) -> None:
        every, position = list[StoredFact](), BEGINNING
        most = 40 * (len(self.journeys) + 1) * (len(self.journeys) + 1)
        while len(every) <= most:
            page = self.store.facts_since(position, limit=3)
            if not page:
                break
            every += page
            position = page[-1].position
        places = [one.position for one in every]
        _law(places == sorted(set(places)), "law of the log: positions ascend, and a position goes on after itself")
        for (lead, pipeline), journey in self.journeys.items():
            mine = [one for one in every if (one.fact.lead, one.fact.pipeline) == (lead, pipeline)]
            observed = [one.fact.id for one in mine if one.kind == "observed"]
            _law(observed == _ids(journey.facts), "law of the log: every observed fact once, as recorded")
            net = Counter(one.fact.id for one in mine if one.kind == "derived")
            net.subtract(one.fact.id for one in mine if one.kind == "withdrawn")
            loaded = self.store.load(lead, pipeline=pipeline)
            _law(+net == Counter(_ids(loaded.derived)), "law of the log: what was concluded, less what was taken back")


def _law(holds: object, words: str) -> None:
    if not holds:
        raise AssertionError(words)


def _ids(facts: Iterable[Fact]) -> list[str]:
    return [fact.id for fact in facts]


def _changed(journey: Journey, what: str, at: datetime) -> Journey:
    """Return what a step makes of a journey."""
    if what in ("call", "reply", "page_view"):
        attributes = {"path": "/prices"} if what == "page_view" else {}
        return journey.record(ActivityRecorded(kind=what, at=at, attributes=attributes), now=at)
    if what == "phone":
        return journey.record(FieldChanged(name="phone", value="0123", at=at), now=at)
    if what == "size":
        return journey.record(FieldChanged(name="size", value=at.hour, at=at), now=at)
    if what in ("fit", "mql", "sql"):
        return journey.record(EvidenceGiven(name=what, at=at, note="as she said"), now=at)
    if what == "late":
        return journey.record(ActivityRecorded(kind="call", at=at - timedelta(days=9)), now=at)
    if what == "behind":  # another server, whose clock is an hour behind
        at = max(at - timedelta(hours=1), journey.facts[-1].recorded_at)
        return journey.record(ActivityRecorded(kind="reply", at=at), now=at)
    if what == "planned":
        return journey.record(EvidenceGiven(name="mql", at=at + timedelta(days=3)), now=at)
    if what == "retract":
        return journey.record(Retracted(target=journey.facts[-1].id, at=at), now=at)
    if what == "recycle":
        return journey.recycle("no decision", at=at, now=at)
    return journey.move("fit" if what == "target" else what, at=at, now=at)
