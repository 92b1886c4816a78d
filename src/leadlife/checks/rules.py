"""Findings about rules: criteria that are never true, reversed hysteresis, chasing moves, and stale sign-offs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice, pairwise, product

from leadlife.checks.finding import Code, Finding
from leadlife.checks.guards import hysteresis
from leadlife.checks.proofs import MOST_QUESTIONS, Goal, Proof, together
from leadlife.checks.subjects import subject_of
from leadlife.checks.walks import Walks
from leadlife.criteria import Criterion, CustomGuard, leaves_of
from leadlife.lifecycle.edges import Edge
from leadlife.lifecycle.validation import circles
from leadlife.playbook.playbook import Playbook
from leadlife.playbook.signing import clauses
from leadlife.qualification.rule_faults import criteria_of
from leadlife.qualification.rules import Hysteresis

_MOST_WAYS = 100
"""At most so many ways around one circle are tried."""


def rule_findings(playbook: Playbook) -> Iterator[Finding]:
    """Yield every finding about the qualifications, the readiness rule and the sign-offs."""
    for path, rule in _rules(playbook):
        yield from _never_true(path, rule, playbook)
        if rule.enter is not None and rule.leave is not None and _share_subject(rule.enter, rule.leave, playbook):
            finding = hysteresis(rule.enter, rule.leave, where=path, playbook=playbook)
            if finding is not None:
                yield finding
    for path, criterion in criteria_of(playbook.qualifications, playbook.readiness):
        for leaf in leaves_of(criterion):
            if isinstance(leaf, CustomGuard):
                message = f"{leaf.name!r} is code: it runs after every fact, and the checker proves nothing about it"
                yield Finding(Code.CUSTOM_GUARD, path, message, (), "write it as a criterion where you can")
    yield from _stale(playbook)


def _rules(playbook: Playbook) -> Iterator[tuple[str, Hysteresis]]:
    for place, rule in enumerate(playbook.qualifications):
        yield f"qualifications.{place}", rule
    if playbook.readiness is not None:
        yield "readiness.mid", playbook.readiness.mid
        yield "readiness.late", playbook.readiness.late


def _share_subject(enter: Criterion, leave: Criterion, playbook: Playbook) -> bool:
    """Return whether two criteria ask about a common subject, so that one signal could switch between them."""
    # Criteria about different things can always be true together: reporting every such pair would only be noise.
    one, other = ({subject_of(leaf, playbook) for leaf in leaves_of(side)} for side in (enter, leave))
    return not one.isdisjoint(other)


def _never_true(path: str, rule: Hysteresis, playbook: Playbook) -> Iterator[Finding]:
    if rule.enter is None:
        return
    found = together([Goal(rule.enter, True)], playbook)
    if found.proof is Proof.IMPOSSIBLE:
        message = f"no lead can meet the criterion of entering: {rule.enter.sentence()}"
        yield Finding(Code.NEVER_TRUE, f"{path}.enter", message, (), "loosen it, or remove the rule")
    elif found.proof is Proof.NOT_DECIDED:
        message = f"the criterion of entering asks more than {MOST_QUESTIONS} questions, so it is not checked"
        yield Finding(Code.NOT_DECIDED, f"{path}.enter", message, (), "ask fewer questions")


def chase_findings(walks: Walks) -> Iterator[Finding]:
    """Yield circles of automatic moves whose guards can all be true for one lead at one instant."""
    moves: dict[str, dict[str, list[Edge]]] = {}
    for edge in walks.lifecycle.edges:
        if edge.rule.automatic and edge.target is not None:
            moves.setdefault(edge.source, {}).setdefault(edge.target, []).append(edge)
    for circle in circles({stage: list(targets) for stage, targets in moves.items()}):
        # Two stages may be joined by several moves. The first way around that a lead can take is reported.
        ways = product(*(moves[here][there] for here, there in pairwise(circle)))
        yield from islice((one for way in islice(ways, _MOST_WAYS) for one in _chase(way, circle, walks.playbook)), 1)


def _chase(way: Sequence[Edge], circle: Sequence[str], playbook: Playbook | None) -> Iterator[Finding]:
    # The lead passes through every stage of the circle, while nothing else about it changes.
    found = together([Goal(guard, True, edge.source) for edge in way for guard in edge.guards], playbook)
    if found.proof is Proof.POSSIBLE:
        message = f"automatic moves send a lead in a circle: {' > '.join(circle)}"
        story = (*found.witness, *(f"{edge.trigger} to {edge.target}" for edge in way), "and again")
        hint = "make their guards exclude each other, or let a person make one of the moves"
        yield Finding(Code.CHASE, f"lifecycle.transitions.{way[0].index}", message, story, hint)


def _stale(playbook: Playbook) -> Iterator[Finding]:
    for clause in clauses(playbook):
        for one in clause.stale():
            signed = f"{one.team} signed {clause.name!r} on {one.on} under version {one.version}"
            message = f"{signed}; the rule, or something that it reads, has changed since"
            hint = f"show {one.team} what changed, and sign the rule again"
            yield Finding(Code.STALE_SIGN_OFF, f"{clause.path}.signed", message, (), hint)
