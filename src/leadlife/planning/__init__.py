"""Planning: who is to be contacted when, who gets which lead, what is owed for referrals, and what a plan would do.

Everything here decides and explains; nothing sends, reads a clock, or draws a number without a seed.
"""

from __future__ import annotations

from leadlife._base.lazy import homes_of, lazily

_HOMES = homes_of(
    __name__,
    {
        "comparison": "PlaybookComparison Difference compare",
        "day": "Day Deadline Waiting day_of",
        "handoff_report": "Acceptance HandoffReport OpenOffer handoffs",
        "intake_table": "Intake intake",
        "market": "Luck Market MarketSource",
        "planner": "confirm in_holdout plan plan_all",
        "plans": "Confirmation PassedOver Plan PlannedTouch Silence Unplanned Why",
        "pressure": "Deferral",
        "recycling_report": "RecycledReason recycled",
        "reward_ledger": "RewardLedger RewardLine RewardStatus rewards",
        "routing": (
            "Assignment AssignmentMethod Assignments Member RoutingRule RoutingState Skipped Team "
            "assignment_loads route"
        ),
        "simulation": "simulate",
        "world": "Totals World",
    },
)
"""Each public name and the module that defines it; a module is imported when one of its names is first used."""

__all__ = list(_HOMES)

__getattr__, __dir__ = lazily(__name__, _HOMES)
