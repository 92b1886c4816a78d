"""Signing: who signed which rule, and which sign-offs are stale because the rule has changed since."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any, NamedTuple, TypeVar

from leadlife._base.model import Definition
from leadlife.criteria import BandIs, Criterion, CustomGuard, DaysInStage, ScoreIs, leaves_of
from leadlife.errors import UnknownName, did_you_mean
from leadlife.lifecycle.edges import Edge
from leadlife.lifecycle.sign_off import Signable, SignOff, content_digest
from leadlife.lifecycle.transitions import Transition, TransitionKind
from leadlife.playbook.playbook import Playbook
from leadlife.qualification.rules import QualificationRule, ReadinessRule
from leadlife.timing import Calendar

S = TypeVar("S", bound=Signable)


class Clause(NamedTuple):
    """A rule that teams sign.

    Attributes:
        path: Its place, such as ``qualifications.0``.
        name: What it is called: a qualification, a trigger, or ``readiness``.
        rule: The rule.
        playbook: The agreement that it belongs to.
    """

    path: str
    name: str
    rule: Signable
    playbook: Playbook

    @property
    def digest(self) -> str:
        """A hash of its content and of all that it reads: scores, other rules, the calendar, rival candidates.

        What only explains, such as a meaning, is not part of it.
        """
        return content_digest(*_content(self.playbook, self.rule))

    def stale(self) -> tuple[SignOff, ...]:
        """Return the sign-offs that were given for another content."""
        digest = self.digest if self.rule.signed else ""
        return tuple(one for one in self.rule.signed if one.digest != digest)


def clauses(playbook: Playbook) -> Iterator[Clause]:
    """Yield every rule that teams sign: qualifications, readiness, and moves."""
    for place, rule in enumerate(playbook.qualifications):
        yield Clause(f"qualifications.{place}", rule.name, rule, playbook)
    if playbook.readiness is not None:
        yield Clause("readiness", "readiness", playbook.readiness, playbook)
    for place, move in enumerate(playbook.lifecycle.transitions):
        yield Clause(f"lifecycle.transitions.{place}", move.trigger, move, playbook)


def sign(playbook: Playbook, team: str, *names: str, on: date, by: str | None = None) -> Playbook:
    """Return the playbook with a team's sign-off on its rules. Signing changes nothing else.

    >>> from datetime import date
    >>> from leadlife.presets import eight_stage
    >>> signed = sign(eight_stage(), "marketing", "mql", on=date(2026, 3, 2))
    >>> signed.qualification_by_name["mql"].signed[0].team
    'marketing'

    Args:
        playbook: The agreement.
        team: The team that agrees.
        names: Qualifications, triggers, or ``readiness``; none means all of them.
        on: The day.
        by: Who signs for the team.

    Raises:
        UnknownName: There is no such rule.
    """
    known = tuple(clauses(playbook))
    names_known = {clause.name for clause in known}
    for name in names:
        if name not in names_known:
            raise UnknownName(f"there is no rule {name!r} to sign", hint=did_you_mean(str(name), names_known))
    agreed = {
        clause.path: SignOff(team=team, on=on, version=playbook.version, digest=clause.digest, by=by)
        for clause in known
        if not names or clause.name in names
    }

    def signed(path: str, rule: S) -> S:
        return rule.signed_by(agreed[path]) if path in agreed else rule

    moves = playbook.lifecycle.transitions
    return playbook.replace(
        lifecycle=playbook.lifecycle.replace(
            transitions=tuple(signed(f"lifecycle.transitions.{place}", rule) for place, rule in enumerate(moves))
        ),
        qualifications=tuple(
            signed(f"qualifications.{place}", rule) for place, rule in enumerate(playbook.qualifications)
        ),
        readiness=None if playbook.readiness is None else signed("readiness", playbook.readiness),
    )


def _content(playbook: Playbook, rule: Signable) -> Iterator[Any]:
    """Yield all that decides what a rule answers: itself, and what it reads, however indirectly."""
    yield _plain(rule)
    criteria = [criterion for _, criterion in rule.criteria()] if isinstance(rule, QualificationRule) else []
    if isinstance(rule, ReadinessRule):
        criteria = [criterion for segment in (rule.mid, rule.late) for _, criterion in segment.criteria()]
    if isinstance(rule, Transition):
        edges = [edge for one in _same_way(playbook, rule) for edge in one]
        criteria = [guard for edge in edges for guard in edge.guards]
        yield from _around(playbook, rule, edges)
    if isinstance(rule, QualificationRule):
        yield _cutting(playbook)  # a win or a recycling withdraws it
    zoned = isinstance(rule, QualificationRule) and isinstance(rule.valid_for, Calendar)
    yield from _read_by(playbook, criteria, zoned=zoned)


def _cutting(playbook: Playbook) -> list[str]:
    """Return the stages that cut off older evidence, sales and grants."""
    return [stage.id for stage in playbook.lifecycle.stages if stage.status.cuts_evidence]


def _same_way(playbook: Playbook, rule: Transition) -> Iterator[list[Edge]]:
    """Yield, for each source of a move, the candidates up to its own last one: the first that is true is taken."""
    by_source: dict[str, list[Edge]] = {}
    for edge in playbook.lifecycle.edges:
        if edge.trigger == rule.trigger:
            by_source.setdefault(edge.source, []).append(edge)
    for edges in by_source.values():
        last = max((place for place, edge in enumerate(edges) if edge.rule == rule), default=-1)
        if last >= 0:
            yield edges[: last + 1]


def _around(playbook: Playbook, rule: Transition, edges: list[Edge]) -> Iterator[Any]:
    """Yield what the lifecycle adds to a move: rival candidates, gates, and what the stages ask."""
    stages = playbook.lifecycle.by_id
    for edge in edges:
        source, target = stages[edge.source], stages.get(edge.target or "")
        yield edge.source, source.status, edge.target, None if target is None else target.status, edge.left, edge.via
        yield [_plain(guard) for guard in edge.guards]
        if source.limit is not None and source.limit.trigger == rule.trigger:
            yield _plain(source.limit)
        if edge.rule.kind is TransitionKind.REENTRY:
            yield _plain(source)["cool_down"], source.reentry_limit
    # A reason may be given to any move, and must then be one of those that are listed.
    reasons = playbook.lifecycle.reasons
    yield [(reason.id, reason.needs_note) for reason in reasons if not rule.reasons or reason.id in rule.reasons]
    if rule.automatic:
        yield from _before_automatic(playbook, rule)


def _before_automatic(playbook: Playbook, rule: Transition) -> Iterator[Any]:
    """Yield what is made before an automatic move: what facts may have ordered, and automatic moves before it."""
    edges = playbook.lifecycle.edges
    own = [edge for edge in edges if edge.rule == rule]
    sources, rule_place = {edge.source for edge in own}, min((edge.index for edge in own), default=0)
    orders = {(str(edge.rule.on), edge.trigger) for edge in edges if edge.rule.pending}
    yield sorted(orders)
    limits = {name: playbook.lifecycle.by_id[name].limit for name in sources}
    first = [trigger for _, trigger in orders]
    for edge in edges:
        limit = limits.get(edge.source)
        ordered = edge.trigger in first or (limit is not None and limit.trigger == edge.trigger)
        earlier = edge.rule.automatic and edge.index < rule_place
        if edge.source in sources and (ordered or earlier):
            yield edge.source, edge.trigger, edge.target, [_plain(guard) for guard in edge.guards]
    yield [None if limit is None else _plain(limit) for _, limit in sorted(limits.items())]


def _read_by(playbook: Playbook, criteria: list[Criterion], *, zoned: bool) -> Iterator[Any]:
    """Yield what criteria read: fields, scores, other rules, what cuts evidence off; and the calendar they follow."""
    waiting, seen, leaves = list(criteria), set[tuple[str, str]](), list[Criterion]()
    while waiting:
        criterion = waiting.pop(0)
        leaves += leaves_of(criterion)
        for topic, name in sorted(set(criterion.inputs()) - seen):
            seen.add((topic, name))
            definition, inner = _behind(playbook, topic, name)
            if definition is not None:
                yield name, {**_plain(definition), "personal": None}  # a flag for hosts; it decides nothing
            zoned = zoned or isinstance(getattr(definition, "valid_for", None), Calendar)
            waiting += inner
    if any(topic in ("evidence", "sold", "qualification") for topic, _ in seen):
        yield _cutting(playbook)
    if zoned or any(map(_is_zoned, leaves)):
        yield playbook.zone
    if any(isinstance(leaf, ScoreIs | BandIs | CustomGuard) for leaf in leaves):
        yield playbook.review_days


def _behind(playbook: Playbook, topic: str, name: str) -> tuple[Definition | None, list[Criterion]]:
    """Return the definition that an input of a criterion names, and the criteria in it that lead on."""
    if topic == "field":
        return playbook.fields.get(name), []
    if topic == "score":
        return playbook.score_by_name.get(name), []
    if topic == "qualification":
        held = playbook.qualification_by_name.get(name)
        return held, [] if held is None else [inner for _, inner in held.criteria()]
    near = playbook.readiness
    if topic == "readiness" and near is not None:
        return near, [inner for segment in (near.mid, near.late) for _, inner in segment.criteria()]
    return None, []


def _is_zoned(leaf: Criterion) -> bool:
    """Return whether the answer of a leaf depends on where days begin."""
    durations = (getattr(leaf, "within", None), getattr(leaf, "age", None))
    return isinstance(leaf, ScoreIs | BandIs | DaysInStage) or any(isinstance(one, Calendar) for one in durations)


def _plain(value: Definition) -> Any:
    return _without_words(value.model_dump(mode="json"))


def _without_words(plain: Any) -> Any:
    """Return plain values without what decides nothing: meanings, labels and sign-offs."""
    if isinstance(plain, dict):
        # A band, a field or an attribute may have one of these names as well; none of those holds a text or a list.
        return {
            key: _without_words(value)
            for key, value in plain.items()
            if not (key in ("meaning", "label") and isinstance(value, str | None))
            and not (key == "signed" and isinstance(value, list))
        }
    return [_without_words(one) for one in plain] if isinstance(plain, list) else plain
