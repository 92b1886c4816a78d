"""Figures about handing over: how fast offers are answered, what was missed, what is due, and who disagrees on what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from statistics import quantiles
from typing import NamedTuple

from leadlife._base.arguments import listed_of
from leadlife.analytics.incidence import wilson
from leadlife.errors import Malformed
from leadlife.journey import Journey
from leadlife.journey.ownership import Offer, OfferStatus
from leadlife.timing import instant

RECENT = timedelta(days=30)
FEWEST_ANSWERS = 10
"""With fewer answers no warning is given; three rejections in a row are not a disagreement yet."""


class Acceptance(NamedTuple):
    """How often offers are accepted.

    Attributes:
        key: The qualification or the source; None where it is blank, and for all offers.
        answered: How many offers were accepted or rejected; an offer that nobody answered is not counted.
        accepted: How many of them were accepted.
        low: The lower end of the 95 % Wilson interval of the share; None without an answer.
        high: The upper end.
        reasons: How many were rejected for each reason, the most frequent first. Each is a label against the criterion
            that let the lead through.
    """

    key: str | None
    answered: int
    accepted: int
    low: float | None
    high: float | None
    reasons: tuple[tuple[str, int], ...]

    @property
    def rate(self) -> float | None:
        """The share of the answered offers that were accepted; None without an answer."""
        return self.accepted / self.answered if self.answered else None


class OpenOffer(NamedTuple):
    """An offer that waits for its answer.

    Attributes:
        lead: Which lead.
        to: Who is to answer.
        deadline: By when; None where there is none, or the clock stands still.
        missed: How often a deadline has passed already.
        paused: Whether the clock stands still, because the customer is to answer.
    """

    lead: str
    to: str
    deadline: datetime | None
    missed: int
    paused: bool


class HandoffReport(NamedTuple):
    """The figures about offers to hand leads over, as of an instant.

    Attributes:
        as_of: The instant.
        offers: How many offers there were.
        accepted: How many were accepted.
        rejected: How many were rejected.
        expired: How many went back without an answer.
        void: How many ended before an answer, because the lead was closed, recycled or offered anew.
        open: Those that wait for their answer, the nearest deadline first.
        ever_missed: How many missed a deadline at least once.
        past_due_now: How many of the open ones have.
        response: The quartiles of the time from the first offer to the answer, over the answered ones; None below two.
        acceptance: How often offers are accepted.
        recent: The same over the answers of the last 30 days.
        by_rule: The same for each qualification that the leads held when they were offered.
        by_source: The same for each source of the cycle in which they were offered.
        warning: What is wrong with the recent acceptance, by the agreed band; None where nothing is.
    """

    as_of: datetime
    offers: int
    accepted: int
    rejected: int
    expired: int
    void: int
    open: tuple[OpenOffer, ...]
    ever_missed: int
    past_due_now: int
    response: tuple[timedelta, timedelta, timedelta] | None
    acceptance: Acceptance
    recent: Acceptance
    by_rule: tuple[Acceptance, ...]
    by_source: tuple[Acceptance, ...]
    warning: str | None

    def __str__(self) -> str:
        lines = [
            (
                f"{self.offers} offers: {self.accepted} accepted, {self.rejected} rejected, {self.expired} expired, "
                f"{self.void} void, {len(self.open)} open"
            ),
            f"deadlines ever missed: {self.ever_missed}; past due now: {self.past_due_now}",
        ]
        if self.response is not None:
            lines.append(f"time to the answer, quartiles: {', '.join(map(str, self.response))}")
        for title, rows in (("rule", self.by_rule), ("source", self.by_source)):
            lines += [_row(title, row) for row in rows]
        return "\n".join([*lines, *([] if self.warning is None else [f"warning: {self.warning}"])])


class _Offered(NamedTuple):
    offer: Offer
    source: str | None


def _source(offer: Offer, journey: Journey) -> str | None:
    """Return the channel of the cycle in which an offer was made; the lead may have come back by another one since."""
    source = None if offer.cycle is None else journey.cycles[offer.cycle - 1].source
    return None if source is None else source.channel


def handoffs(journeys: Iterable[Journey], *, as_of: datetime, band: tuple[float, float] | None = None) -> HandoffReport:
    """Return the figures about offers to hand leads over.

    Args:
        journeys: The leads.
        as_of: The instant; facts after it do not count.
        band: The least and the largest share of accepted offers that both teams agree on; by default that of the first
            playbook that declares one.

    Raises:
        Malformed: ``as_of`` is not an aware datetime, or the band is not two shares, the smaller first.
    """
    as_of = instant(as_of)
    if band is not None and not _is_band(band):
        raise Malformed("band is two shares, the smaller first", hint="write (0.6, 0.9)")
    every: list[_Offered] = []
    waiting: list[OpenOffer] = []
    for journey in listed_of("journeys", journeys, Journey):
        then = journey.as_of(at=as_of)
        rules = then.playbook.handoff
        # Leads of several playbooks may be counted together; the first that declares a band speaks for both teams.
        band = band if band is not None or rules is None else rules.acceptance
        for offer in then.handoffs:
            every.append(_Offered(offer, _source(offer, then)))
            if offer.is_open:
                waiting.append(OpenOffer(then.lead_id, offer.to, offer.deadline, offer.missed, offer.left is not None))
    waiting.sort(key=lambda one: (one.deadline is None, one.deadline or as_of, one.lead))
    answered = [one for one in every if one.offer.answered is not None]
    recent = [one for one in answered if one.offer.answered is not None and one.offer.answered > as_of - RECENT]
    counts = Counter(one.offer.status for one in every)
    times = sorted(one.offer.answered - one.offer.at for one in answered if one.offer.answered is not None)
    now = _acceptance(None, recent)
    return HandoffReport(
        as_of=as_of,
        offers=len(every),
        accepted=counts[OfferStatus.ACCEPTED],
        rejected=counts[OfferStatus.REJECTED],
        expired=counts[OfferStatus.EXPIRED],
        void=counts[OfferStatus.VOID],
        open=tuple(waiting),
        ever_missed=sum(one.offer.missed > 0 for one in every),
        past_due_now=sum(one.missed > 0 for one in waiting),
        response=_quartiles(times),
        acceptance=_acceptance(None, answered),
        recent=now,
        by_rule=tuple(_grouped(answered, lambda one: one.offer.holds or (None,))),
        by_source=tuple(_grouped(answered, lambda one: (one.source,))),
        warning=_warning(now, band) or _silent(every, as_of, band),
    )


def _is_band(band: object) -> bool:
    shares = band if isinstance(band, tuple | list) else ()
    numbers = [one for one in shares if isinstance(one, int | float) and not isinstance(one, bool)]
    return len(numbers) == len(shares) == 2 and 0 <= numbers[0] < numbers[1] <= 1  # noqa: PLR2004 - a pair


def _quartiles(times: list[timedelta]) -> tuple[timedelta, timedelta, timedelta] | None:
    if len(times) < 2:  # noqa: PLR2004 - quartiles need two values
        return None
    q25, q50, q75 = (
        timedelta(seconds=round(one))
        for one in quantiles([time.total_seconds() for time in times], n=4, method="inclusive")
    )
    return q25, q50, q75


def _acceptance(key: str | None, answered: list[_Offered]) -> Acceptance:
    accepted = sum(one.offer.status is OfferStatus.ACCEPTED for one in answered)
    low, high = wilson(accepted, len(answered)) if answered else (None, None)
    reasons = Counter(one.offer.reason for one in answered if one.offer.reason is not None)
    return Acceptance(key, len(answered), accepted, low, high, tuple(reasons.most_common()))


def _grouped(answered: list[_Offered], keys: Callable[[_Offered], tuple[str | None, ...]]) -> Iterator[Acceptance]:
    groups: dict[str | None, list[_Offered]] = {}
    for one in answered:
        for key in keys(one):
            groups.setdefault(key, []).append(one)
    for key in sorted(groups, key=lambda name: (-len(groups[name]), name or "")):
        yield _acceptance(key, groups[key])


def _warning(recent: Acceptance, band: tuple[float, float] | None) -> str | None:
    if band is None or recent.rate is None or recent.answered < FEWEST_ANSWERS:
        return None
    said = f"sales accepted {recent.rate:.0%} of the last {recent.answered} answered offers"
    if recent.rate < band[0]:
        return f"{said}, less than the agreed {band[0]:.0%}: the criteria let through what sales does not want"
    if recent.rate > band[1]:
        return f"{said}, more than the agreed {band[1]:.0%}: the criteria may hold good leads back"
    return None


def _silent(every: list[_Offered], as_of: datetime, band: tuple[float, float] | None) -> str | None:
    """Return the warning that offers end without an answer, so that too few are accepted although few are rejected."""
    since = as_of - RECENT
    ended = [
        one.offer.status
        for one in every
        if one.offer.status is not OfferStatus.VOID and (one.offer.answered or one.offer.overdue or since) > since
    ]
    # An offer that is overdue and still open has not ended, though its deadline has passed.
    ended = [status for status in ended if status is not OfferStatus.OPEN]
    accepted = ended.count(OfferStatus.ACCEPTED)
    if band is None or len(ended) < FEWEST_ANSWERS or accepted >= band[0] * len(ended):
        return None
    expired = ended.count(OfferStatus.EXPIRED)
    return f"{expired} of the last {len(ended)} offers went back without an answer, and only {accepted} were accepted"


def _row(title: str, one: Acceptance) -> str:
    reasons = ", ".join(f"{reason} {number}" for reason, number in one.reasons)
    rate = "no answer" if one.rate is None else f"{one.rate:.0%} of {one.answered} accepted"
    return f"{title} {one.key or 'unknown'}: {rate}" + (f"; rejected for {reasons}" if reasons else "")
