"""The levels of IBM's lead management: anonymous, lead, MQL, SQL, customer, with a dormant stage beside them."""

from __future__ import annotations

from functools import cache

from leadlife.criteria import Criterion, count, evidence, holds, identified, sold
from leadlife.lifecycle import Lifecycle
from leadlife.playbook import Playbook
from leadlife.presets.reasons import REASONS
from leadlife.presets.rules import (
    ACTIVITY_KINDS,
    BANT,
    BUYING,
    TWO_WAY,
    mql,
    readiness_rule,
    research,
    sql,
    urgency,
)
from leadlife.stages import Entry, Kind, Limit, Stage, Status, Transition
from leadlife.timing import days

PRODUCT_PAGES = count("product_page", within=days(30), since_recycling=True) >= 2
"""Visits product or service pages, typically after a follow-up e-mail."""


def _stages() -> tuple[Stage, ...]:
    cold = Limit(after=days(60), trigger="go_dormant", reason="unresponsive")
    undecided = Limit(after=days(45), trigger="go_dormant", reason="no decision")
    return (
        Stage(id="anonymous", team="marketing", meaning="visits without having left any contact details"),
        Stage(id="lead", team="marketing", limit=cold, meaning="has given contact details"),
        Stage(id="mql", team="marketing", limit=cold, meaning="meets marketing's test; not ready to be sold to"),
        Stage(id="sql", team="sales", limit=undecided, meaning="meets sales' test: intent, money, authority"),
        Stage(id="customer", team="customer care", status=Status.WON, meaning="bought"),
        Stage(
            id="dormant",
            team="marketing",
            status=Status.RECYCLED,
            cool_down=days(30),
            reentry_limit=3,
            meaning="has gone quiet; left in peace, then nurtured",
        ),
        Stage(id="lost", team="sales", status=Status.LOST, meaning="went elsewhere; added, the set has no exit"),
        Stage(
            id="disqualified",
            team="either",
            status=Status.DISQUALIFIED,
            meaning="cannot or must not be sold to; added, the set has no exit",
        ),
    )


def _moves() -> tuple[Transition, ...]:
    early = ("lead", "mql", "sql")

    def back(target: str, guard: Criterion) -> Transition:
        return Transition(trigger="return", sources=("dormant",), target=target, kind=Kind.REENTRY, guard=guard)

    def made(trigger: str, source: str, target: str, kind: Kind, guard: Criterion) -> Transition:
        return Transition(trigger=trigger, sources=(source,), target=target, kind=kind, guard=guard, automatic=True)

    return (
        Transition(
            trigger="identify",
            sources=("anonymous",),
            target="lead",
            kind=Kind.FORWARD,
            on="identified",
            guard=identified(),
        ),
        made("sales_qualify", "lead", "sql", Kind.SKIP, holds("sql")),
        made("qualify", "lead", "mql", Kind.FORWARD, holds("mql")),
        made("sales_qualify", "mql", "sql", Kind.FORWARD, holds("sql")),
        made("lapse", "sql", "mql", Kind.BACKWARD, ~holds("sql")),
        Transition(trigger="win", sources=("sql",), target="customer", kind=Kind.FORWARD, on="sold", guard=sold()),
        made("rebuy", "customer", "sql", Kind.REPEAT, holds("sql")),
        Transition(
            trigger="go_dormant", sources=(*early, "lost"), target="dormant", kind=Kind.RECYCLE, needs_reason=True
        ),
        back("sql", holds("sql")),
        back("mql", holds("mql")),
        back("lead", count(*TWO_WAY, since_recycling=True) >= 1),
        Transition(trigger="lose", sources=("sql",), target="lost", kind=Kind.EXIT, needs_reason=True),
        Transition(
            trigger="disqualify",
            sources=(*early, "dormant"),
            target="disqualified",
            kind=Kind.EXIT,
            needs_reason=True,
        ),
        Transition(trigger="reopen", sources=("disqualified", "lost"), kind=Kind.REOPEN, needs_reason=True),
    )


@cache
def ibm() -> Playbook:
    """Return IBM's levels. Qualified leads move by themselves; ``lose`` and ``disqualify`` are added.

    A lead that loses SQL goes back to mql, whether the need was met or 30 days have passed. Limits, criteria and scores
    are starting points, to be edited.
    """
    return Playbook(
        id="ibm",
        lifecycle=Lifecycle(
            stages=_stages(),
            transitions=_moves(),
            entries=(Entry(stage="anonymous"), Entry(stage="lead")),
            reasons=REASONS,
        ),
        activity_kinds=ACTIVITY_KINDS,
        evidence=BANT,
        scores=(urgency(), research()),
        qualifications=(mql(PRODUCT_PAGES, lasting=True), sql(evidence("need") & BUYING)),
        readiness=readiness_rule(),
        meaning="The levels of a lead as IBM tells them: contact details, marketing's test, sales' test, purchase.",
    )
