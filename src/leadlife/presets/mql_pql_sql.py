"""Lead, MQL, PQL, SQL, customer: a funnel in which each stage is a test; PQL is the test by use of the product."""

from __future__ import annotations

from functools import cache

from leadlife.criteria import AnyCriterion, count, evidence, holds, identified, sold
from leadlife.lifecycle.lifecycle import Lifecycle
from leadlife.lifecycle.stages import EntryStage, Limit, Stage, StageStatus
from leadlife.lifecycle.transitions import Transition, TransitionKind
from leadlife.playbook.playbook import Playbook
from leadlife.presets.ibm import PRODUCT_PAGES
from leadlife.presets.reasons import REASONS
from leadlife.presets.rules import (
    ACTIVITY_KINDS,
    BANT,
    BUYING,
    ROLES,
    TWO_WAY,
    mql,
    pql,
    readiness_rule,
    research,
    sql,
    urgency,
)
from leadlife.timing import days, elapsed

URGENT = evidence("urgent_need", within=elapsed(days=3))
"""The lead needs the offer at once. After three days this evidence is too old."""


def _stages() -> tuple[Stage, ...]:
    cold = Limit(after=days(60), trigger="recycle", reason="unresponsive")
    undecided = Limit(after=days(60), trigger="recycle", reason="no decision")
    return (
        Stage(id="lead", team="marketing", meaning="has given contact details: signed up for something"),
        Stage(id="mql", team="marketing", limit=cold, meaning="meets marketing's test; not ready to be sold to"),
        Stage(id="pql", team="marketing", limit=cold, meaning="has experienced the product's value in use"),
        Stage(id="sql", team="sales", limit=undecided, meaning="meets sales' test: intent, money, authority"),
        Stage(
            id="customer",
            team="customer care",
            status=StageStatus.WON,
            meaning="bought; stays warm, as marketing or product qualified, while a customer",
        ),
        Stage(
            id="recycled",
            team="marketing",
            status=StageStatus.RECYCLED,
            cool_down=days(30),
            reentry_limit=3,
            meaning="back in marketing's care; left in peace, then nurtured",
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
    def automatic(
        trigger: str, sources: tuple[str, ...], target: str, kind: TransitionKind, guard: AnyCriterion
    ) -> Transition:
        return Transition(trigger=trigger, sources=sources, target=target, kind=kind, guard=guard, automatic=True)

    return (
        automatic("sales_qualify", ("pql", "mql"), "sql", TransitionKind.FORWARD, holds("sql")),
        automatic("product_qualify", ("lead", "mql"), "pql", TransitionKind.FORWARD, holds("pql")),
        automatic("qualify", ("lead",), "mql", TransitionKind.FORWARD, holds("mql")),
        # What is lost leads back to the best that is still held: no lead stands in a stage whose test it does not pass.
        automatic("lapse", ("sql",), "pql", TransitionKind.BACKWARD, ~holds("sql") & holds("pql")),
        automatic("lapse", ("sql",), "mql", TransitionKind.BACKWARD, ~holds("sql") & ~holds("pql") & holds("mql")),
        automatic("lapse", ("sql",), "lead", TransitionKind.BACKWARD, ~holds("sql") & ~holds("pql") & ~holds("mql")),
        automatic("lapse", ("pql",), "mql", TransitionKind.BACKWARD, ~holds("pql") & holds("mql")),
        automatic("lapse", ("pql",), "lead", TransitionKind.BACKWARD, ~holds("pql") & ~holds("mql")),
        automatic("lapse", ("mql",), "lead", TransitionKind.BACKWARD, ~holds("mql")),
        Transition(
            trigger="win",
            sources=("sql",),
            target="customer",
            kind=TransitionKind.FORWARD,
            on="sold",
            pending=True,
            guard=sold(),
        ),
        automatic("rebuy", ("customer",), "sql", TransitionKind.REPEAT, holds("sql")),
        Transition(
            trigger="recycle",
            sources=("mql", "pql", "sql", "lost"),
            target="recycled",
            kind=TransitionKind.RECYCLE,
            needs_reason=True,
        ),
        automatic("rush", ("recycled",), "sql", TransitionKind.SKIP, identified() & holds("sql") & URGENT),
        automatic("return", ("recycled",), "pql", TransitionKind.REENTRY, holds("pql")),
        automatic("return", ("recycled",), "mql", TransitionKind.REENTRY, holds("mql")),
        automatic("return", ("recycled",), "lead", TransitionKind.REENTRY, count(*TWO_WAY, since_recycling=True) >= 1),
        Transition(trigger="lose", sources=("sql",), target="lost", kind=TransitionKind.EXIT, needs_reason=True),
        Transition(
            trigger="disqualify",
            sources=("lead", "mql", "pql", "sql", "recycled"),
            target="disqualified",
            kind=TransitionKind.EXIT,
            needs_reason=True,
        ),
        Transition(trigger="reopen", sources=("disqualified", "lost"), kind=TransitionKind.REOPEN, needs_reason=True),
    )


@cache
def mql_pql_sql() -> Playbook:
    """Return the funnel of tests. Leads move automatically. The moves ``lose`` and ``disqualify`` are added.

    PQL does not require MQL. SQL is an intent to buy within 30 days with money and authority, or an urgent need. A
    lead that loses a qualification goes back to the best one that it still holds, or to lead. Limits, criteria and
    scores are starting points: edit them.
    """
    return Playbook(
        id="mql_pql_sql",
        lifecycle=Lifecycle(
            stages=_stages(),
            transitions=_moves(),
            entries=(EntryStage(stage="lead"),),
            referral_entries=(EntryStage(stage="lead"),),
            reasons=REASONS,
        ),
        roles=ROLES,
        activity_kinds=ACTIVITY_KINDS,
        evidence={
            "pql": "has used the product: a free tier, a trial, or what somebody who refers them showed them",
            **BANT,
            "urgent_need": "the need is urgent: ready to buy at once",
        },
        scores=(urgency(), research()),
        qualifications=(mql(PRODUCT_PAGES, lasting=True), pql(), sql((evidence("need") & BUYING) | URGENT)),
        readiness=readiness_rule(),
        meaning="Each stage is a test that both teams signed; a product in hand is one of them.",
    )
