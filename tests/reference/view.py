"""What the reference shows to criteria and policies: the facts folded so far, at one instant, built from scratch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from leadlife.criteria import AllOf, AnyOf, AtLeast, Criterion, Not, Observation
from leadlife.errors import GuardError, PolicyError
from leadlife.facts import Fact, report_name
from leadlife.leads import Activity, Lead
from leadlife.playbook.playbook import Playbook
from leadlife.scoring import ActivityRule, Points

UTC_ZONE = ZoneInfo("UTC")
ERROR = "error"
"""The answer of a criterion that raised, and whose other parts do not decide it."""


class Known:
    """What the facts folded so far teach, with the place of each in the fold."""

    def __init__(self, facts: tuple[tuple[int, Fact], ...] = ()) -> None:
        self.facts = facts
        self.latest: dict[tuple[str, str], Observation] = {}
        self.activities: dict[str, list[Observation]] = {}
        self.history: list[Activity] = []
        for ordinal, fact in facts:
            taught = fact.remembered()
            if taught is None:
                continue
            seen = Observation(taught.value, fact.at, fact.id, ordinal)
            self.latest[taught.topic, taught.name] = seen
            if taught.topic == "activity":
                self.activities.setdefault(taught.name, []).append(seen)
                self.history.append(Activity(id=fact.id, kind=taught.name, at=fact.at, attributes=taught.value))


class ReferenceView:
    """One lead at one instant: a ``leadlife.scoring.policy.PolicyView``.

    Attributes:
        at: The true instant, for windows, steps and ages.
        aged: The instant up to which half-lives are aged.
        cut: Evidence, sales and grants of facts up to this place in the fold do not count.
        held: The end of each held qualification that counts.
    """

    zone = UTC_ZONE
    keeps_reports = True
    source = None

    def __init__(
        self,
        known: Known,
        playbook: Playbook,
        *,
        at: datetime,
        aged: datetime,
        cut: int = 0,
        stage: Observation | None = None,
        left: str | None = None,
        cycle: int | None = None,
        readiness: Observation | None = None,
        held: dict[str, datetime | None] | None = None,
        roles: tuple[str, ...] = (),
    ) -> None:
        self.known, self.playbook = known, playbook
        self.at, self.aged, self.cut = at, aged, cut
        self.stage, self.left, self.cycle, self.readiness, self.roles = stage, left, cycle, readiness, roles
        self.held = {} if held is None else held

    def reviewed(self) -> ReferenceView:
        """Return the same lead at the last fact or review, for which custom code is asked."""
        new = object.__new__(ReferenceView)
        vars(new).update(vars(self), at=self.aged)
        return new

    @property
    def identified(self) -> Observation | None:
        return self.known.latest.get(("identified", ""))

    @property
    def sold(self) -> Observation | None:
        return self._fresh(self.known.latest.get(("sold", "")))

    @property
    def lead(self) -> Lead:
        return Lead(id="lead", fields=self.fields)

    @property
    def fields(self) -> dict[str, Any]:
        found = {name: seen.value for (topic, name), seen in self.known.latest.items() if topic == "field"}
        return {name: value for name, value in found.items() if value is not None}

    @property
    def history(self) -> tuple[Activity, ...]:
        return tuple(self.known.history)

    def field(self, name: str) -> Observation | None:
        seen = self.known.latest.get(("field", name))
        return None if seen is None or seen.value is None else seen

    def consent(self, purpose: str) -> Observation | None:
        seen = self.known.latest.get(("consent", purpose))
        return None if seen is None else seen._replace(value=seen.value[0])

    def shows(self, name: str) -> bool:
        return False

    def evidence(self, name: str) -> Observation | None:
        return self._fresh(self.known.latest.get(("evidence", name)))

    def qualification(self, name: str) -> Observation | None:
        return Observation((self.held[name], ()), self.at, "", 0) if name in self.held else None

    def reported(self, policy: str, version: str) -> Observation | None:
        return self.known.latest.get(("reported", report_name(policy, version)))

    def running(self, kind: str, key: str, step: Any) -> Any:
        done = None
        for seen in self.known.activities.get(kind, ()):
            done = step(done, seen)
        return done

    def kinds(self) -> Iterable[str]:
        return self.known.activities

    def activities(self, kind: str, *, since_recycling: bool = False) -> Iterator[Observation]:
        seen = reversed(self.known.activities.get(kind, ()))
        return (one for one in seen if one.ordinal > self.cut) if since_recycling else seen

    def instants(self, kind: str, most: int | None = None) -> list[datetime]:
        return [seen.at for seen in self.activities(kind)][:most]

    def first(self, kind: str) -> Observation | None:
        return next(iter(self.known.activities.get(kind, ())), None)

    def total(self, kind: str) -> int:
        return len(self.known.activities.get(kind, ()))

    def score(self, name: str) -> Any:
        policy = self.playbook.score_by_name.get(name)
        if not isinstance(policy, Points):
            return None if policy is None else policy.assess(self)
        fading, rest = _split(policy)
        if fading is None:
            return policy.assess(self)
        # Half-lives are aged to the last fact or review; windows and steps to the true instant. The two add up.
        faded = fading.assess(ReferenceView(self.known, self.playbook, at=self.aged, aged=self.aged))
        return Sum(faded.micropoints + rest.assess(self).micropoints)

    def _fresh(self, seen: Observation | None) -> Observation | None:
        return None if seen is None or seen.ordinal <= self.cut else seen


class Sum:
    """As much of a score as a comparison reads."""

    answered, band, bands = True, None, ()

    def __init__(self, micropoints: int) -> None:
        self.value = micropoints / 1_000_000

    def compares(self, relation: Any, value: float) -> bool:
        return bool(relation(self.value, value))


@lru_cache(maxsize=256)
def _divided(text: str) -> tuple[Points | None, Points]:
    policy = Points.model_validate_json(text)
    fading = tuple(rule for rule in policy.rules if isinstance(rule, ActivityRule) and rule.half_life is not None)
    rest = policy.replace(rules=tuple(rule for rule in policy.rules if rule not in fading))
    return (policy.replace(rules=fading, start=0) if fading else None), rest


def _split(policy: Points) -> tuple[Points | None, Points]:
    """Return the rules that fade by half-lives, and the others, as two policies (no caps in total, no groups)."""
    found: tuple[Points | None, Points] | None = vars(policy).get("_reference_split")
    if found is None:
        found = vars(policy)["_reference_split"] = _divided(policy.model_dump_json())
    return found


def ask(criterion: Criterion | None, view: ReferenceView) -> bool | str | None:
    """Return the answer of a criterion after Kleene: a part that raises is unknown; ERROR if that leaves it open."""
    if criterion is None:
        return None
    answer, raised = _weigh(criterion, view)
    return ERROR if answer is None and raised else answer


def ask_all(criteria: Iterable[Criterion], view: ReferenceView) -> bool | str | None:
    """Return the conjunction of criteria in the same way."""
    found = [_weigh(criterion, view) for criterion in criteria]
    answer = _least(len(found), [one for one, _ in found])
    return ERROR if answer is None and any(raised for _, raised in found) else answer


def _weigh(criterion: Criterion, view: ReferenceView) -> tuple[bool | None, bool]:
    if not isinstance(criterion, AllOf | AnyOf | AtLeast | Not):
        try:
            return criterion.test(view), False
        except (GuardError, PolicyError):
            return None, True
    found = [_weigh(part, view) for part in criterion.parts()]
    answers, raised = [one for one, _ in found], any(one for _, one in found)
    if isinstance(criterion, Not):
        return (None if answers[0] is None else not answers[0]), raised
    needed = len(answers) if isinstance(criterion, AllOf) else 1 if isinstance(criterion, AnyOf) else criterion.number
    answer = _least(needed, answers)
    return answer, raised and answer is None


def _least(needed: int, answers: list[bool | None]) -> bool | None:
    true, unknown = answers.count(True), answers.count(None)
    return True if true >= needed else None if true + unknown >= needed else False
