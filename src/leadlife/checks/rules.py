"""What the rules show: tests nobody passes, hysteresis turned round, moves that chase each other, stale sign-offs."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from leadlife.checks.finding import Code, Finding
from leadlife.checks.guards import hysteresis
from leadlife.checks.proofs import MOST_ATOMS, Goal, Proof, together
from leadlife.checks.subjects import subject_of
from leadlife.checks.walks import Walks
from leadlife.criteria import Criterion, CustomGuard, leaves_of
from leadlife.lifecycle.edges import Edge
from leadlife.lifecycle.validation import circles
from leadlife.playbook.playbook import Playbook
from leadlife.playbook.signing import clauses
from leadlife.qualification.rule_index import criteria_of
from leadlife.qualification.rules import Hysteresis


def rule_findings(playbook: Playbook) -> Iterator[Finding]:
    """Yield everything that the qualifications, readiness and sign-offs show."""
    for path, held in _held(playbook):
        yield from _never(path, held, playbook)
        if held.enter is not None and held.leave is not None and _of_one_thing(held.enter, held.leave, playbook):
            found = hysteresis(held.enter, held.leave, where=path, playbook=playbook)
            if found is not None:
                yield found
    for path, criterion in criteria_of(playbook.qualifications, playbook.readiness):
        for leaf in leaves_of(criterion):
            if isinstance(leaf, CustomGuard):
                says = f"{leaf.name!r} is code: it is asked again after every fact, and nothing of it is proved"
                yield Finding(Code.CUSTOM_GUARD, path, says, (), "write it as a criterion where you can")
    yield from _stale(playbook)


def _held(playbook: Playbook) -> Iterator[tuple[str, Hysteresis]]:
    for place, rule in enumerate(playbook.qualifications):
        yield f"qualifications.{place}", rule
    if playbook.readiness is not None:
        yield "readiness.mid", playbook.readiness.mid
        yield "readiness.late", playbook.readiness.late


def _of_one_thing(enter: Criterion, leave: Criterion, playbook: Playbook) -> bool:
    """Return whether two criteria ask about something in common, so that one signal could flap between them."""
    one, other = ({subject_of(leaf, playbook) for leaf in leaves_of(side)} for side in (enter, leave))
    return not one.isdisjoint(other)


def _never(path: str, held: Hysteresis, playbook: Playbook) -> Iterator[Finding]:
    if held.enter is None:
        return
    found = together([Goal(held.enter, True)], playbook)
    if found.proof is Proof.IMPOSSIBLE:
        says = f"no lead can ever answer {held.enter.sentence()}"
        yield Finding(Code.NEVER_TRUE, f"{path}.enter", says, (), "loosen it, or take the rule out")
    elif found.proof is Proof.NOT_DECIDED:
        says = f"entering asks more than {MOST_ATOMS} questions"
        yield Finding(Code.NOT_DECIDED, f"{path}.enter", says, (), "nothing is said of it; ask less")


def chase_findings(walks: Walks) -> Iterator[Finding]:
    """Yield circles of automatic moves that some lead could be sent round at one instant."""
    moves: dict[str, dict[str, Edge]] = {}
    for edge in walks.lifecycle.edges:
        if edge.rule.automatic and edge.target is not None:
            moves.setdefault(edge.source, {}).setdefault(edge.target, edge)
    for circle in circles({stage: list(targets) for stage, targets in moves.items()}):
        edges = [moves[here][there] for here, there in pairwise(circle)]
        found = together([Goal(guard, True) for edge in edges for guard in edge.guards], walks.playbook)
        if found.proof is Proof.POSSIBLE:
            says = f"automatic moves send a lead in a circle: {' > '.join(circle)}"
            story = (*found.witness, *(f"{edge.trigger} to {edge.target}" for edge in edges), "and again")
            hint = "let their guards exclude each other, or let a person make one of them"
            yield Finding(Code.CHASE, f"lifecycle.transitions.{edges[0].index}", says, story, hint)


def _stale(playbook: Playbook) -> Iterator[Finding]:
    for clause in clauses(playbook):
        for one in clause.stale():
            says = (
                f"{one.team} signed {clause.name!r} on {one.on} under version {one.version}; it says something else now"
            )
            hint = f"show {one.team} what changed, and have it signed again"
            yield Finding(Code.STALE_SIGN_OFF, f"{clause.path}.signed", says, (), hint)
