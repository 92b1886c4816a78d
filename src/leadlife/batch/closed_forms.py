"""Closed forms: what a scoring policy asks, as sums over activities and verdicts on fields, and an expression of those.

A policy that only matches activities, ages them exactly, adds them up, caps them and compares fields has a closed form:
no journey needs to be folded for it. Its numbers are whole micropoints, so every engine that adds whole numbers gives
the same score. What has none is named with the reason, and is folded.

Criteria about a field are not translated. They are asked, as they are, about each distinct value of the field, and the
answers are joined: so they mean the same in every engine.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple

from leadlife.batch.dialects import Dialect
from leadlife.criteria import (
    AllOf,
    AnyOf,
    AtLeast,
    Comparison,
    CountIs,
    Criterion,
    IsIdentified,
    Not,
    Scalar,
    matching,
)
from leadlife.leads import Lead
from leadlife.playbook.playbook import Playbook
from leadlife.scoring import MICRO, micropoints
from leadlife.scoring.combined_policies import Capped, Fallback, Gated, Highest, Scaled, WeightedSum
from leadlife.scoring.fit import Fit
from leadlife.scoring.grid import Grid
from leadlife.scoring.limits import UNLIMITED, Limits, limits_of, weighted
from leadlife.scoring.point_rules import ActivityRule, FieldRule, TierRule
from leadlife.scoring.points import Points
from leadlife.scoring.policy import Policy
from leadlife.scoring.view import LeadView
from leadlife.timing import Elapsed

MOST_KEPT = 100_000
"""The largest so many of a group are kept by an engine; DuckDB keeps a million at most."""
UNKNOWN = 2
"""The code of a verdict that is unknown; 1 is true, and 0 is false."""


class NoClosedForm(Exception):
    """Why a policy has no closed form."""


class Term(NamedTuple):
    """A sum over activities.

    Attributes:
        kinds: Which kinds of activity count.
        size: How many micropoints each is worth when it is new, without sign; 1 to count them.
        half_life: After so many microseconds half of that is left; None for what does not fade.
        window: Only activities younger than so many microseconds count; None for all.
        at_most: Only the so many largest count; None for all.
        matches: The test of an activity's attributes; None if any will do.
    """

    kinds: tuple[str, ...]
    size: int
    half_life: int | None = None
    window: int | None = None
    at_most: int | None = None
    matches: Callable[[Any], bool] | None = None


class FieldVerdict(NamedTuple):
    """A criterion about one field: the field, and what it answers for a value, or for None where there is none."""

    field: str
    answer: Callable[[Scalar | None], int]


class Form(NamedTuple):
    """The closed form of a policy, as SQL over the columns of its terms and verdicts.

    Attributes:
        value: The micropoints.
        band: The name of the band; NULL where there is none.
        excluded: Whether the lead is excluded; then it has no score.
        why: Why it is.
    """

    value: str
    band: str
    excluded: str
    why: str


class ClosedForms:
    """The closed forms of some policies of a playbook at an instant, with the terms and verdicts that they share."""

    def __init__(self, playbook: Playbook, at: datetime, dialect: Dialect) -> None:
        """Begin without any.

        Args:
            playbook: Whose policies they are.
            at: The instant of the scores.
            dialect: The SQL to write.
        """
        self._playbook = playbook
        self._at = at
        self._dialect = dialect
        self.terms: list[Term] = []
        self.verdicts: list[FieldVerdict] = []
        self.reads_identified: bool = False
        self._known: dict[tuple[Any, ...], int] = {}

    def form(self, policy: Policy) -> Form:
        """Return the closed form of a policy.

        Raises:
            NoClosedForm: It has none; why.
        """
        return self._form(policy, policy.zone)

    def _form(self, policy: Policy, zone: str | None) -> Form:
        zone = policy.zone or zone
        if isinstance(policy, Points):
            return self._points(policy, zone)
        if isinstance(policy, Fit):
            return self._points(policy.points, zone)
        if isinstance(policy, Grid):
            return self._grid(policy, zone)
        if isinstance(policy, WeightedSum):
            addends = [(self._form(one.policy, zone), micropoints(one.weight)) for one in policy.of]
            value = f"({' + '.join(self._weighted(part.value, weight) for part, weight in addends)})"
            return self._around([part for part, _ in addends], value, self._band(value, policy.bands))
        if isinstance(policy, Scaled):
            part = self._form(policy.of, zone)
            value = self._weighted(part.value, micropoints(policy.by))
            return self._around([part], value, self._band(value, policy.bands))
        if isinstance(policy, Capped | Gated):
            return self._changed(policy, zone)
        if isinstance(policy, Highest):
            parts = [self._form(part, zone) for part in policy.of]
            value = f"greatest({', '.join(part.value for part in parts)})" if len(parts) > 1 else parts[0].value
            bands = " ".join(f"WHEN {part.value} = {value} THEN {part.band}" for part in parts)
            return self._around(parts, value, f"(CASE {bands} END)")
        if isinstance(policy, Fallback):
            # What has a closed form always answers, and nobody else is asked.
            return self._form(policy.of[0], zone)
        raise NoClosedForm(f"policies of type {type(policy).__name__} are not translated")

    def _around(self, parts: list[Form], value: str, band: str) -> Form:
        excluded = " OR ".join(f"({part.excluded})" for part in parts)
        why = " ".join(f"WHEN {part.excluded} THEN {part.why}" for part in parts)
        return Form(value, band, excluded, f"CASE {why} END")

    def _points(self, policy: Points, zone: str | None) -> Form:
        sums: dict[str | None, list[str]] = {None: [str(micropoints(policy.start))]}
        sums |= {name: [] for name in policy.groups}
        for rule in policy.rules:
            sums[rule.group].append(self._rule(rule, zone))
        limits: dict[str | None, Limits] = {
            name: limits_of(group.floor, group.cap) for name, group in policy.groups.items()
        }
        groups = [_clamped(" + ".join(some) or "0", limits.get(name, UNLIMITED)) for name, some in sums.items()]
        value = _clamped(" + ".join(groups), limits_of(policy.floor, policy.cap))
        asked = [(self._criterion(one, zone), self._dialect.text(one.sentence())) for one in policy.exclude]
        excluded = " OR ".join(f"coalesce({test}, FALSE)" for test, _ in asked) or "FALSE"
        why = "".join(f" WHEN {test} THEN {sentence}" for test, sentence in asked)
        return Form(value, self._band(value, policy.bands), excluded, f"CASE{why} END" if why else "NULL")

    def _rule(self, rule: ActivityRule | FieldRule | TierRule, zone: str | None) -> str:
        if isinstance(rule, FieldRule):
            test = self._criterion(rule.when, zone)
            points, otherwise = micropoints(rule.points), micropoints(rule.otherwise)
            return f"CASE WHEN {test} THEN {points} WHEN NOT ({test}) THEN {otherwise} ELSE 0 END"
        if isinstance(rule, TierRule):
            best = sorted(rule.tiers, key=lambda tier: -tier.points)  # of equal ones, each is worth the same
            cases = " ".join(
                f"WHEN {self._criterion(tier.when, zone)} THEN {weighted(micropoints(tier.points), rule.percent, 100)}"
                for tier in best
            )
            return f"CASE {cases} ELSE 0 END"
        if rule.at_most_per_day is not None or rule.once_per is not None:
            cap = "a cap per day" if rule.once_per is None else "a cap per value"
            raise NoClosedForm(f"rule {rule.name!r} has {cap}")
        if rule.decay is not None:
            raise NoClosedForm(f"rule {rule.name!r} decays by steps")
        if rule.at_most is not None and rule.at_most > MOST_KEPT:
            raise NoClosedForm(f"rule {rule.name!r} counts up to {rule.at_most:,} activities")
        points = micropoints(rule.points)
        term = Term(
            rule.kinds,
            abs(points),
            None if rule.half_life is None else rule.half_life.microseconds,
            _exact_window(rule.window, f"rule {rule.name!r}"),
            rule.at_most,
            matching(rule.where),
        )
        column = self._term(term, ("rule", *term[:5], str(rule.where)))
        return f"-{column}" if points < 0 else column

    def _term(self, term: Term, key: tuple[Any, ...]) -> str:
        place = self._known.setdefault(key, len(self.terms))
        if place == len(self.terms):
            self.terms.append(term)
        return f"t{place}"

    def _criterion(self, criterion: Criterion, zone: str | None) -> str:
        """Return a criterion as SQL, whose logic of three values is the same."""
        if isinstance(criterion, Not):
            return f"NOT ({self._criterion(criterion.of, zone)})"
        if isinstance(criterion, AllOf | AnyOf):
            word = " AND " if isinstance(criterion, AllOf) else " OR "
            return word.join(f"({self._criterion(part, zone)})" for part in criterion.parts())
        if isinstance(criterion, IsIdentified):
            self.reads_identified = True
            return "identified"
        if isinstance(criterion, CountIs):
            if not criterion.kinds:
                raise NoClosedForm("a criterion counts activities of any kind")
            window = _exact_window(criterion.within, f"criterion {criterion.sentence()!r}")
            term = Term(criterion.kinds, 1, window=window, matches=matching(criterion.where))
            column = self._term(term, ("count", criterion.kinds, window, str(criterion.where)))
            return f"({column} {_SIGNS[criterion.compare]} {criterion.value})"
        if isinstance(criterion, AtLeast):
            parts = [self._criterion(part, zone) for part in criterion.parts()]
            true = " + ".join(f"CAST(coalesce({part}, FALSE) AS INT)" for part in parts)
            maybe = " + ".join(f"CAST(coalesce({part}, TRUE) AS INT)" for part in parts)
            number = criterion.number
            return f"(CASE WHEN {true} >= {number} THEN TRUE WHEN {maybe} < {number} THEN FALSE END)"
        inputs = set(criterion.inputs())
        if len(inputs) != 1 or next(iter(inputs))[0] != "field" or criterion.parts():
            raise NoClosedForm(f"criterion {criterion.sentence()!r} is not translated")
        return self._verdict(criterion, next(iter(inputs))[1], zone)

    def _verdict(self, criterion: Criterion, name: str, zone: str | None) -> str:
        key = ("verdict", criterion.model_dump_json(), zone)
        place = self._known.setdefault(key, len(self.verdicts))
        if place == len(self.verdicts):
            where = zone or self._playbook.zone

            def answer(value: Scalar | None) -> int:
                lead = Lead(id="x", fields={} if value is None else {name: value})
                said = criterion.predicate(LeadView(lead, (), self._at).in_zone(where))
                return UNKNOWN if said is None else int(said)

            self.verdicts.append(FieldVerdict(name, answer))
        return f"v{place}"

    def _weighted(self, value: str, weight: int) -> str:
        """Return a value times a weight in millionths, rounded half away from zero, in whole numbers only."""
        if weight == MICRO:
            return value
        product = f"(CAST({value} AS {self._dialect.big}) * {weight})"
        size = f"CAST((2 * abs({product}) + {MICRO}) {self._dialect.divided_by} {2 * MICRO} AS BIGINT)"
        return f"(CASE WHEN {product} > 0 THEN {size} ELSE -{size} END)"

    def _band(self, value: str, bands: Any) -> str:
        """Return the band of a value: of those whose least value it reaches, the highest."""
        cuts = sorted(((micropoints(least), name) for name, least in bands.items()), reverse=True)
        cases = "".join(f" WHEN {value} >= {least} THEN {self._dialect.text(name)}" for least, name in cuts)
        return f"(CASE{cases} END)" if cases else "CAST(NULL AS STRING)"

    def _grid(self, policy: Grid, zone: str | None) -> Form:
        axes = [self._form(part, zone) for part in (policy.fit, policy.engagement)]
        value = _clamped(f"{axes[0].value} + {axes[1].value}", limits_of(policy.floor, policy.cap))
        return self._around(axes, value, f"({axes[0].band} || {axes[1].band})")

    def _changed(self, policy: Capped | Gated, zone: str | None) -> Form:
        inner = self._form(policy.of, zone)
        if isinstance(policy, Capped):
            value, counts = _clamped(inner.value, limits_of(policy.floor, policy.cap)), "TRUE"
        else:
            counts = self._criterion(policy.when, zone)
            value = f"(CASE WHEN {counts} THEN {inner.value} ELSE 0 END)"
        cuts = _cuts_of(policy.of)
        band = f"CASE WHEN {counts} THEN {inner.band} END" if cuts is None else self._band(value, cuts)
        return self._around([inner], value, band)


_SIGNS = {
    Comparison.EQ: "=",
    Comparison.NE: "<>",
    Comparison.LT: "<",
    Comparison.LE: "<=",
    Comparison.GT: ">",
    Comparison.GE: ">=",
}


def _exact_window(window: Any, what: str) -> int | None:
    if window is None:
        return None
    if not isinstance(window, Elapsed):
        raise NoClosedForm(f"{what} has a window of calendar days")
    return window.microseconds


def _clamped(value: str, limits: Limits) -> str:
    floor, cap = limits
    if cap is not None:
        value = f"least({value}, {cap})"
    return f"greatest({value}, {floor})" if floor is not None else f"({value})"


def _cuts_of(policy: Policy) -> Any:
    """Return the bands by which a policy around another one finds its own; None where it keeps the other's band."""
    if isinstance(policy, Capped | Gated):
        return _cuts_of(policy.of)
    if isinstance(policy, Fallback):
        return _cuts_of(policy.of[0])
    if isinstance(policy, Highest):
        raise NoClosedForm("the bands around the highest of several policies are those of the one that is")
    bands = getattr(policy, "bands", None)
    return bands or None
