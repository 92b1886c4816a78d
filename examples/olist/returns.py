"""Returns, shelf life and a forecast on the real leads of Olist. What was spent, and what a sale brings, is assumed.

Run it with the folder of Olist's two files: ``python examples/olist/returns.py ../shared/data/olist``.
"""

from __future__ import annotations

import sys
from datetime import UTC, date, datetime
from pathlib import Path

from leadlife import Journey, Money, Sold
from leadlife.economics import Spend, back_test, returns, shelf_life
from leadlife.io import load_mapping, read_export

MAPPING = Path(__file__).parent / "olist.toml"
MARGIN_OF_A_SALE = Money.of(300, "BRL")
"""Assumed: the files say nothing of it."""
A_MONTH = {
    "organic_search": 1_000,
    "paid_search": 4_000,
    "social": 2_000,
    "email": 500,
    "referral": 300,
    "display": 800,
}
"""Assumed: what Olist spent on each origin in a month, in BRL."""
MONTHS = [f"{year}-{month:02}" for year, month in [(2017, m) for m in range(6, 13)] + [(2018, m) for m in range(1, 6)]]
CUT_OFFS = [datetime(2018, month, 1, tzinfo=UTC) for month in (3, 4, 5)]


def with_margin(journey: Journey) -> Journey:
    """Return a lead whose sale has the assumed margin; nothing else changes."""
    known = {"amount": MARGIN_OF_A_SALE, "margin": MARGIN_OF_A_SALE}
    facts = [fact.model_copy(update=known) if isinstance(fact, Sold) else fact for fact in journey.facts]
    return Journey.replay(facts, journey.playbook)


def main(folder: Path) -> None:
    """Print the figures."""
    export = read_export(load_mapping(MAPPING), folder)
    leads = [with_margin(journey) for journey in export.journeys]
    spend = [
        Spend.month(month, Money.of(amount, "BRL"), source=origin)
        for month in MONTHS
        for origin, amount in A_MONTH.items()
    ]
    print("real leads of Olist; spend and margins are assumed\n")
    print(returns(leads, spend, as_of=export.observed_until))
    for year in (2017, 2018):
        own = [one for one in spend if one.since >= date(year, 1, 1) and one.until <= date(year, 12, 31)]
        print(f"\nspend of {year}")
        print(shelf_life(leads, own, as_of=export.observed_until, step_days=60))
    print("\nforecasts of 90 days, beside what came")
    for test in back_test(leads, cut_offs=CUT_OFFS, horizon_days=90, until=export.observed_until, samples=10):
        print(test)
    print()
    for caution in returns(leads, spend, as_of=export.observed_until).warnings:
        if caution.code in ("left_truncation", "right_censoring"):
            print(f"! {caution.message}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("../shared/data/olist"))
