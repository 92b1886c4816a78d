"""How far leads have developed by their age: what share of the wins that they will have, they have had."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from leadlife.analytics.cautions import FEW_AT_RISK
from leadlife.analytics.incidence import Z_95
from leadlife.analytics.lead_outcomes import LeadOutcome
from leadlife.analytics.survival import CompetingRisks
from leadlife.economics.triangles import Cohort
from leadlife.lifecycle.stages import StageStatus
from leadlife.timing import whole_days

WON = StageStatus.WON.value


class Maturity(NamedTuple):
    """How far leads have developed by their age, as all leads together show it.

    Attributes:
        as_of: The end of observation.
        zone: The zone of local days.
        risks: The days until leads were won or ended otherwise.
        days: The last day that enough leads reached; from then on they count as developed.
    """

    as_of: datetime
    zone: ZoneInfo
    risks: CompetingRisks
    days: int | None

    @classmethod
    def of(cls, rows: Iterable[LeadOutcome], *, as_of: datetime, zone: ZoneInfo) -> Maturity:
        """Return the maturity of leads as of an instant."""
        several = list(rows)
        risks = CompetingRisks((row.days, None if row.ended is None else row.ended.value) for row in several)
        # Whoever has ended has been observed all the same: its end stands.
        reached = sorted((whole_days(row.entered, as_of, zone) for row in several), reverse=True)
        return cls(as_of, zone, risks, reached[min(FEW_AT_RISK, len(reached)) - 1] if reached else None)

    @property
    def rate(self) -> float | None:
        """The share that is won by that day; None without leads."""
        if self.days is None:
            return None
        return self.risks.incidence(WON, by=self.days) if WON in self.risks.causes else 0.0

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95 % interval of that share; None where nobody was won."""
        if self.days is None or not self.rate:
            return None
        reach = Z_95 * self.risks.incidence_error(WON, by=self.days)
        return max(self.rate - reach, 0.0), min(self.rate + reach, 1.0)

    def developed(self, days: int) -> float:
        """Return which share of their wins leads of an age have had."""
        if self.days is None or not self.rate:
            return 0.0
        return min(self.risks.incidence(WON, by=days) / self.rate, 1.0)

    def cohorts(self, rows: Iterable[LeadOutcome]) -> list[Cohort]:
        """Return leads by their age as of the instant, however they have ended."""
        by_age: dict[int, list[bool]] = {}
        for row in rows:
            by_age.setdefault(whole_days(row.entered, self.as_of, self.zone), []).append(row.won)
        return [Cohort(len(won), sum(won), self.developed(age)) for age, won in sorted(by_age.items())]
