"""Signing: who signed which rule, and which sign-offs are stale because the rule has changed since."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any, NamedTuple, TypeVar

from leadlife._base.model import Definition
from leadlife.criteria import Criterion
from leadlife.errors import UnknownName, did_you_mean
from leadlife.lifecycle.edges import Edge
from leadlife.lifecycle.sign_off import Signable, SignOff, content_digest
from leadlife.lifecycle.transitions import Transition, TransitionKind
from leadlife.playbook.playbook import Playbook
from leadlife.qualification.rule_index import timed_leaves
from leadlife.qualification.rules import QualificationRule, ReadinessRule

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

        What only explains, such as a meaning, is no part of it.
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
    timed = isinstance(rule, QualificationRule) and rule.valid_for is not None
    yield from _read_by(playbook, criteria, timed=timed)


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
    if rule.needs_reason or rule.reasons:
        yield [(reason.id, reason.needs_note) for reason in playbook.lifecycle.reasons]


def _read_by(playbook: Playbook, criteria: list[Criterion], *, timed: bool) -> Iterator[Any]:
    """Yield what criteria read: fields, scores, other rules; and the calendar, if time can change an answer."""
    waiting, seen = list(criteria), set[tuple[str, str]]()
    while waiting:
        criterion = waiting.pop(0)
        # Without a window, evidence and counts do not change by time.
        timed = timed or any(getattr(leaf, "within", leaf) is not None for leaf in timed_leaves(criterion))
        for topic, name in sorted(set(criterion.inputs()) - seen):
            seen.add((topic, name))
            if topic == "field" and name in playbook.fields:
                yield name, _plain(playbook.fields[name])
            elif topic == "score" and name in playbook.score_by_name:
                yield name, _plain(playbook.score_by_name[name])
            elif topic == "qualification" and name in playbook.qualification_by_name:
                held = playbook.qualification_by_name[name]
                timed = timed or held.valid_for is not None
                yield name, _plain(held)
                waiting += [inner for _, inner in held.criteria()]
            elif topic == "readiness" and playbook.readiness is not None:
                yield name, _plain(playbook.readiness)
                segments = (playbook.readiness.mid, playbook.readiness.late)
                waiting += [inner for segment in segments for _, inner in segment.criteria()]
    if timed:
        yield playbook.zone, playbook.review_days


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
