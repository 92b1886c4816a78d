"""Economics: what each kind of lead costs, earns and will earn.

Pure functions from journeys, and from a table of spend, to figures. No figure comes without its denominator and its
interval, and what cannot be known is said to be unknown.
"""

from __future__ import annotations

from leadlife._base.lazy import homes_of, lazily

_HOMES = homes_of(
    __name__,
    {
        "attribution": "Attribution AttributionModel Credit ShapleyValue attribute removal_effects shapley",
        "back_testing": "BackTest back_test",
        "call_orders": "compare_orders",
        "channel_path": "ChannelPath ChannelPaths HoldoutLift",
        "currency": "Converter ExchangeRate",
        "customer_costs": "UnitCosts unit_costs",
        "customer_value": "BgNbd GammaGamma Purchases fit_bg_nbd migration_value",
        "entry_cohorts": "MonthCohort cohorts",
        "forecasting": "Band Forecast ForecastPeriod forecast",
        "group_returns": "Returns returns",
        "ledger": "Booking BookingKind Episode bookings episodes",
        "leverage": "Indecision Lever Levers StageIndecision WaitingLead indecision levers",
        "paths": "channel_paths holdout_lift",
        "profiles": "EstimatedProfile profile_from",
        "referrals": "ReferralValue referral_value",
        "returns_row": "ReturnsRow",
        "semi_markov": "SemiMarkov StageOutlook",
        "shelf": "ShelfCurve ShelfLife ShelfPoint shelf_life",
        "spend": "Spend SpendTable read_spend",
        "stays": "StageModel StageStays stage_model",
        "triangles": "ChainLadder Cohort LadderRow Matured bornhuetter_ferguson cape_cod chain_ladder",
        "work_order": "Because WorkItem Worklist worklist",
    },
)
"""Each public name and the module that defines it; a module is imported when one of its names is first used."""

__all__ = list(_HOMES)

__getattr__, __dir__ = lazily(__name__, _HOMES)
