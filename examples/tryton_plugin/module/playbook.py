# SPDX-License-Identifier: GPL-3.0-or-later
"""The states of a sale opportunity in Tryton as a playbook."""

from functools import cache

from leadlife import Lifecycle, Playbook, Stage, Transition
from leadlife.criteria import evidence
from leadlife.lifecycle.stages import Reason

REASONS = ("pricing", "competition", "budget", "no decision", "poor fit", "sale cancelled", "other")


@cache
def playbook() -> Playbook:
    """Return the agreement that opportunities move by."""
    stages = [
        Stage(id="lead", team="marketing"),
        Stage(id="opportunity", team="sales"),
        Stage(id="converted", team="sales"),
        Stage(id="won", team="sales", status="won"),
        Stage(id="lost", team="sales", status="lost"),
        Stage(id="cancelled", team="sales", status="disqualified"),
    ]

    def move(source: str, target: str, **more: object) -> Transition:
        return Transition(trigger=f"{source} to {target}", sources=source, target=target, **more)

    transitions = [
        move("lead", "opportunity", guard=evidence("fit")),
        move("lead", "converted"),
        move("opportunity", "converted"),
        move("opportunity", "lead"),
        move("converted", "won"),
        *(move(one, "lost", needs_reason=True, reasons=REASONS) for one in ("lead", "opportunity", "converted")),
        *(move(one, "cancelled", needs_reason=True, reasons=REASONS) for one in ("lead", "opportunity")),
        move("won", "converted", kind="reopen"),
        move("lost", "converted", kind="reopen"),
        move("lost", "lead", kind="reopen"),
        move("cancelled", "lead", kind="reopen"),
    ]
    reasons = [Reason(id=one) for one in REASONS]
    lifecycle = Lifecycle(stages=stages, transitions=transitions, entries=["lead"], reasons=reasons)
    return Playbook(id="tryton_opportunity", version="1", lifecycle=lifecycle, evidence={"fit": "it fits our audience"})
