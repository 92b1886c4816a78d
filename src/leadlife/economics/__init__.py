"""Economics: what each kind of lead costs, earns and will earn.

Pure functions from journeys, and from a table of spend, to figures. No figure comes without its denominator and its
interval, and what cannot be known is said to be unknown.
"""

from __future__ import annotations

from leadlife._base.lazy import homes_of, lazily

_HOMES = homes_of(
    __name__,
    {
        "attribution": "Attribution AttributionModel ChannelPath Credit ShapleyValue attribute removal_effects shapley",
        "leverage": "Indecision Lever Levers StageIndecision WaitingLead indecision levers",
        "paths": "ChannelPaths HoldoutLift channel_paths holdout_lift",
        "currency": "Converter ExchangeRate",
        "customer_value": "BgNbd GammaGamma Purchases fit_bg_nbd migration_value",
        "ledger": "Booking BookingKind Episode bookings episodes",
        "entry_cohorts": "MonthCohort cohorts",
        "forecasting": "BackTest Band Forecast ForecastPeriod back_test forecast",
        "group_returns": "Returns ReturnsRow returns",
        "profiles": "EstimatedProfile profile_from",
        "referrals": "ReferralValue referral_value",
        "semi_markov": "SemiMarkov StageOutlook",
        "shelf": "ShelfCurve ShelfLife ShelfPoint shelf_life",
        "spend": "Spend SpendTable read_spend",
        "stays": "StageModel StageStays stage_model",
        "triangles": "ChainLadder Cohort LadderRow Matured bornhuetter_ferguson cape_cod chain_ladder",
        "customer_costs": "UnitCosts unit_costs",
        "work_order": "Because WorkItem Worklist worklist",
    },
)
"""Each public name and the module that defines it; a module is imported when one of its names is first used."""

__all__ = list(_HOMES)

__getattr__, __dir__ = lazily(__name__, _HOMES)
