"""Planning: who is to be contacted when, who gets which lead, what is owed for referrals, and what a plan would do.

Everything here decides and explains; nothing sends, reads a clock, or draws a number without a seed.
"""

from leadlife.planning.plan import (
    Confirmation,
    PassedOver,
    Plan,
    PlannedTouch,
    Silence,
    Unplanned,
    Why,
    confirm,
    in_holdout,
    plan,
    plan_all,
)
from leadlife.planning.pressure import Deferral

__all__ = [
    "Confirmation",
    "Deferral",
    "PassedOver",
    "Plan",
    "PlannedTouch",
    "Silence",
    "Unplanned",
    "Why",
    "confirm",
    "in_holdout",
    "plan",
    "plan_all",
]
