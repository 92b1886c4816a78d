"""The reference preset: eight stages from awareness to customer, with recycling."""

from __future__ import annotations

from functools import cache

from leadlife.criteria import count, evidence, holds, identified, in_stage, score, sold
from leadlife.lifecycle.lifecycle import Lifecycle
from leadlife.lifecycle.stages import EntryStage, Limit, Stage, StageStatus, StageType
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
    pql,
    readiness_rule,
    research,
    sql,
    urgency,
)
from leadlife.qualification.rules import QualificationRule
from leadlife.timing import Calendar, days

EVIDENCE = {
    "fit": "fits the audience: has a need or wish for the offer",
    "mql": "marketing qualified: engaged with marketing, meets marketing's written test",
    "pql": "product qualified: has experienced the product's value in use",
    "sql": "sales qualified: intends to buy within 30 days, has the money and the authority",
    **BANT,
    "urgent_need": "the need is urgent: ready to buy at once",
}


def _stages() -> tuple[Stage, ...]:
    def marketing(name: str, meaning: str) -> Stage:
        return Stage(id=name, team="marketing", meaning=meaning)

    def timed(name: str, team: str, after: Calendar, meaning: str) -> Stage:
        limit = Limit(after=after, trigger="recycle", reason="no decision")
        return Stage(id=name, team=team, type=StageType.SLA, limit=limit, meaning=meaning)

    return (
        marketing("awareness", "knows the company or offer; anonymous"),
        marketing("name", "in the database; not yet a lead"),
        marketing("engagement", "meaningful two-way contact, started by either side"),
        marketing("target", "fits the audience: has a need or wish for the offer"),
        timed("lead", "marketing", days(14), "engaged and meets the agreed criteria"),
        timed("sales_lead", "sales", days(30), "vetted by sales as qualified"),
        timed("opportunity", "sales", days(90), "a real opportunity aligned with a need"),
        Stage(
            id="customer",
            team="customer care",
            status=StageStatus.WON,
            meaning="bought; then ongoing cultivation, repeat business, referrals",
        ),
        Stage(
            id="recycled",
            team="marketing",
            status=StageStatus.RECYCLED,
            on_path=False,
            cool_down=days(30),
            reentry_limit=3,
            meaning="fell out of sales; left in peace, then nurtured",
        ),
        Stage(
            id="lost",
            team="sales",
            status=StageStatus.LOST,
            on_path=False,
            meaning="an opportunity that went elsewhere; may be recycled",
        ),
        Stage(
            id="disqualified",
            team="either",
            status=StageStatus.DISQUALIFIED,
            on_path=False,
            meaning="cannot or must not be sold to; comes back only by an explicit reopen",
        ),
    )


def _forward() -> tuple[Transition, ...]:
    def step(trigger: str, source: str, target: str, **needs: object) -> Transition:
        return Transition.model_validate(
            {"trigger": trigger, "sources": (source,), "target": target, "kind": TransitionKind.FORWARD, **needs}
        )

    return (
        step("identify", "awareness", "name", on="identified", guard=identified()),
        step("engage", "name", "engagement", guard=count(*TWO_WAY) >= 1),
        step("fit", "engagement", "target", guard=evidence("fit")),
        step("qualify", "target", "lead", guard=holds("mql") | holds("pql")),
        step("accept", "lead", "sales_lead", roles=("sales",)),
        step("open", "sales_lead", "opportunity", guard=holds("sql")),
        step("win", "opportunity", "customer", on="sold", pending=True, guard=sold()),
    )


def _sideways() -> tuple[Transition, ...]:
    def back(target: str, **guard: object) -> Transition:
        return Transition.model_validate(
            {"trigger": "return", "sources": ("recycled",), "target": target, "kind": TransitionKind.REENTRY, **guard}
        )

    return (
        Transition(
            trigger="lose", sources=("opportunity",), target="lost", kind=TransitionKind.EXIT, needs_reason=True
        ),
        Transition(
            trigger="recycle",
            sources=("lead", "sales_lead", "opportunity", "lost"),
            target="recycled",
            kind=TransitionKind.RECYCLE,
            needs_reason=True,
        ),
        # Declared best first: of several open moves of one trigger, the first is taken.
        back("lead", guard=holds("mql") | holds("pql")),
        back("target", guard=evidence("fit")),
        back("engagement", guard=count(*TWO_WAY, since_recycling=True) >= 1),
        Transition(
            trigger="disqualify",
            sources=("name", "engagement", "target", "lead", "sales_lead", "recycled"),
            target="disqualified",
            kind=TransitionKind.EXIT,
            needs_reason=True,
        ),
        Transition(trigger="reopen", sources=("disqualified", "lost"), kind=TransitionKind.REOPEN, needs_reason=True),
        Transition(
            trigger="rebuy",
            sources=("customer",),
            target="opportunity",
            kind=TransitionKind.REPEAT,
            guard=evidence("need"),
        ),
    )


def _rush() -> tuple[Transition, ...]:
    urgent = identified() & evidence("urgent_need")
    intent = identified() & holds("sql")
    early = ("awareness", "name", "engagement", "target", "recycled")
    known = ("name", "engagement", "target", "lead", "recycled")
    return (
        Transition(trigger="rush_to_sales", sources=early, target="sales_lead", kind=TransitionKind.SKIP, guard=urgent),
        Transition(
            trigger="rush_to_sales",
            sources=("customer",),
            target="sales_lead",
            kind=TransitionKind.REPEAT,
            guard=urgent,
        ),
        Transition(
            trigger="rush_to_opportunity", sources=known, target="opportunity", kind=TransitionKind.SKIP, guard=intent
        ),
        Transition(
            trigger="rush_to_opportunity",
            sources=("customer",),
            target="opportunity",
            kind=TransitionKind.REPEAT,
            guard=intent,
        ),
    )


def _qualifications() -> tuple[QualificationRule, ...]:
    sal = QualificationRule(
        name="sal",
        label="sales accepted",
        team="sales",
        enter=in_stage("sales_lead", "opportunity"),
        meaning="sales took the handoff",
    )
    return (
        mql(evidence("mql") | (evidence("fit") & (score("research") >= 40))),
        pql(),
        sal,
        sql(evidence("sql", within=days(30)) | (evidence("need") & BUYING)),
    )


@cache
def eight_stage() -> Playbook:
    """Return the eight-stage funnel. Its limits, cool-down, criteria and scores are starting points: edit them.

    People make the moves. ``playbook.automated("qualify", "open")`` makes some of them automatic.
    """
    return Playbook(
        id="eight_stage",
        lifecycle=Lifecycle(
            stages=_stages(),
            transitions=(*_forward(), *_sideways(), *_rush()),
            entries=(EntryStage(stage="awareness"), EntryStage(stage="name")),
            referral_entries=(EntryStage(stage="target", guard=evidence("fit")), EntryStage(stage="name")),
            reasons=REASONS,
        ),
        roles=ROLES,
        activity_kinds=ACTIVITY_KINDS,
        evidence=EVIDENCE,
        scores=(urgency(), research()),
        qualifications=_qualifications(),
        readiness=readiness_rule(),
        meaning="The reference funnel: one vocabulary for marketing and sales, with recycling.",
    )
