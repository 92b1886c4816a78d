"""The levels of IBM's lead management: anonymous, lead, MQL, SQL and customer, and a dormant stage."""

from __future__ import annotations

from functools import cache

from leadlife.criteria import AnyCriterion, count, evidence, holds, identified, sold
from leadlife.lifecycle.lifecycle import Lifecycle
from leadlife.lifecycle.stages import EntryStage, Limit, Stage, StageStatus
from leadlife.lifecycle.transitions import Transition, TransitionKind
from leadlife.playbook.playbook import Playbook
from leadlife.presets.reasons import REASONS
from leadlife.presets.rules import (
    ACTIVITY_KINDS,
    BANT,
    BUYING,
    ROLES,
    TWO_WAY,
    mql,
    readiness_rule,
    research,
    sql,
    urgency,
)
from leadlife.timing import days

PRODUCT_PAGES = count("product_page", within=days(30), since_recycling=True) >= 2
"""The lead has visited at least two product or service pages, typically after a follow-up e-mail."""


def _stages() -> tuple[Stage, ...]:
    cold = Limit(after=days(60), trigger="go_dormant", reason="unresponsive")
    undecided = Limit(after=days(45), trigger="go_dormant", reason="no decision")
    return (
        Stage(id="anonymous", team="marketing", meaning="visits without having left any contact details"),
        Stage(id="lead", team="marketing", limit=cold, meaning="has given contact details"),
        Stage(id="mql", team="marketing", limit=cold, meaning="meets marketing's test; not ready to be sold to"),
        Stage(id="sql", team="sales", limit=undecided, meaning="meets sales' test: intent, money, authority"),
        Stage(id="customer", team="customer care", status=StageStatus.WON, meaning="bought"),
        Stage(
            id="dormant",
            team="marketing",
            status=StageStatus.RECYCLED,
            cool_down=days(30),
            reentry_limit=3,
            meaning="has gone quiet; left in peace, then nurtured",
        ),
        Stage(id="lost", team="sales", status=StageStatus.LOST, meaning="went elsewhere; added, the set has no exit"),
        Stage(
            id="disqualified",
            team="either",
            status=StageStatus.DISQUALIFIED,
            meaning="cannot or must not be sold to; added, the set has no exit",
        ),
    )


def _moves() -> tuple[Transition, ...]:
    early = ("lead", "mql", "sql")

    def back(target: str, guard: AnyCriterion) -> Transition:
        return Transition(
            trigger="return", sources=("dormant",), target=target, kind=TransitionKind.REENTRY, guard=guard
        )

    def automatic(trigger: str, source: str, target: str, kind: TransitionKind, guard: AnyCriterion) -> Transition:
        return Transition(trigger=trigger, sources=(source,), target=target, kind=kind, guard=guard, automatic=True)

    return (
        Transition(
            trigger="identify",
            sources=("anonymous",),
            target="lead",
            kind=TransitionKind.FORWARD,
            on="identified",
            guard=identified(),
        ),
        automatic("sales_qualify", "lead", "sql", TransitionKind.SKIP, holds("sql")),
        automatic("qualify", "lead", "mql", TransitionKind.FORWARD, holds("mql")),
        automatic("sales_qualify", "mql", "sql", TransitionKind.FORWARD, holds("sql")),
        # What is lost leads back to what is still held: no lead stands in a stage whose test it does not pass.
        automatic("lapse", "sql", "mql", TransitionKind.BACKWARD, ~holds("sql") & holds("mql")),
        automatic("lapse", "sql", "lead", TransitionKind.BACKWARD, ~holds("sql") & ~holds("mql")),
        automatic("lapse", "mql", "lead", TransitionKind.BACKWARD, ~holds("mql")),
        Transition(
            trigger="win",
            sources=("sql",),
            target="customer",
            kind=TransitionKind.FORWARD,
            on="sold",
            pending=True,
            guard=sold(),
        ),
        automatic("rebuy", "customer", "sql", TransitionKind.REPEAT, holds("sql")),
        Transition(
            trigger="go_dormant",
            sources=(*early, "lost"),
            target="dormant",
            kind=TransitionKind.RECYCLE,
            needs_reason=True,
        ),
        back("sql", holds("sql")),
        back("mql", holds("mql")),
        back("lead", count(*TWO_WAY, since_recycling=True) >= 1),
        Transition(trigger="lose", sources=("sql",), target="lost", kind=TransitionKind.EXIT, needs_reason=True),
        Transition(
            trigger="disqualify",
            sources=(*early, "dormant"),
            target="disqualified",
            kind=TransitionKind.EXIT,
            needs_reason=True,
        ),
        Transition(trigger="reopen", sources=("disqualified", "lost"), kind=TransitionKind.REOPEN, needs_reason=True),
    )


@cache
def ibm() -> Playbook:
    """Return the levels of IBM. Qualified leads move automatically. The moves ``lose`` and ``disqualify`` are added.

    A lead that no longer holds SQL goes back to mql: its need was met, or 30 days have passed. If it does not hold MQL
    either, it goes back to lead. Limits, criteria and scores are starting points: edit them.
    """
    return Playbook(
        id="ibm",
        lifecycle=Lifecycle(
            stages=_stages(),
            transitions=_moves(),
            entries=(EntryStage(stage="anonymous"), EntryStage(stage="lead")),
            reasons=REASONS,
        ),
        roles=ROLES,
        activity_kinds=ACTIVITY_KINDS,
        evidence=BANT,
        scores=(urgency(), research()),
        qualifications=(mql(PRODUCT_PAGES, lasting=True), sql(evidence("need") & BUYING)),
        readiness=readiness_rule(),
        meaning="The levels of a lead as IBM tells them: contact details, marketing's test, sales' test, purchase.",
    )
