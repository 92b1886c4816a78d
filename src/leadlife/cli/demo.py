"""The demo: the journey of one lead line by line, then the funnel of simulated leads."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from leadlife.analytics import Funnel, funnel
from leadlife.errors import MoveRefused
from leadlife.facts import ActivityRecorded, EvidenceGiven, Identified, Sold
from leadlife.journey import Journey
from leadlife.leads import Actor, Source
from leadlife.planning.simulation import SALES, simulate
from leadlife.planning.world import LABEL
from leadlife.presets import eight_stage

BEGINS = datetime(2025, 3, 3, 9, tzinfo=UTC)


class Demo(NamedTuple):
    """The content of the demo.

    Attributes:
        refusal: A move that the playbook refused.
        journey: The journey of a lead.
        friend: The journey of a lead that she referred.
        funnel: The funnel of simulated leads, by lead type.
    """

    refusal: MoveRefused
    journey: Journey
    friend: Journey
    funnel: Funnel

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        return {
            "label": LABEL,
            "refusal": self.refusal.to_dict(),
            "journey": [str(line) for line in self.journey.explain()],
            "friend": [str(line) for line in self.friend.explain()],
            "funnel": self.funnel.to_dict(),
        }

    def __str__(self) -> str:
        return "\n".join(
            (
                f"This is {LABEL}.",
                "",
                "The journey of the lead Ada through the playbook eight_stage:",
                *(f"  {line}" for line in self.journey.explain()),
                "",
                "On day 10, a user tried to move Ada to won. The playbook refused the move:",
                f"  {type(self.refusal).__name__}: {self.refusal}",
                "",
                "Ada referred her friend Bob. His journey begins as a referral:",
                *(f"  {line}" for line in self.friend.explain()),
                "",
                f"{self.funnel.total.leads} simulated leads by lead type, as of {self.funnel.as_of:%Y-%m-%d}:",
                "",
                *(f"  {line}" for line in str(self.funnel).splitlines()),
                "",
                *(f"  ! {caution.message}" for caution in self.funnel.warnings),
            )
        )


def demo(*, leads: int, seed: int) -> Demo:
    """Return the demo: a lead is recycled, returns, buys twice and refers a friend; and a funnel.

    Args:
        leads: The number of simulated leads.
        seed: The seed of the simulation.
    """
    world = simulate(leads, seed=seed)
    refusal, journey, friend = _ada()
    by_type = funnel(world.journeys, world.playbook, as_of=world.as_of, by="lead_type")
    return Demo(refusal, journey, friend, by_type)


def _ada() -> tuple[MoveRefused, Journey, Journey]:
    def day(number: int) -> datetime:
        return BEGINS + timedelta(days=number)

    mia = Actor(id="mia", roles=("marketing",))
    ada = Journey.start("ada", eight_stage(), at=day(0), source=Source(channel="conference"))
    ada = ada.record(Identified(at=day(1)))
    ada = ada.record(ActivityRecorded(kind="call", at=day(3))).move("engage", at=day(3), by=mia)
    ada = ada.record(EvidenceGiven(name="fit", at=day(5))).move("fit", at=day(5), by=mia)
    ada = ada.record(EvidenceGiven(name="mql", at=day(9))).move("qualify", at=day(9), by=mia)
    refusal = _refused(ada, day(10))
    ada = ada.move("accept", at=day(11), by=SALES).recycle("bad timing", at=day(20), by=SALES)
    ada = ada.record(EvidenceGiven(name="mql", at=day(60))).move("return", at=day(60), by=mia)
    ada = ada.move("accept", at=day(61), by=SALES)
    ada = ada.record(EvidenceGiven(name="sql", at=day(64))).move("open", at=day(64), by=SALES)
    ada = ada.record(Sold(at=day(80), by=SALES))
    ada = ada.record(EvidenceGiven(name="need", at=day(300))).move("rebuy", at=day(300), by=SALES)
    ada = ada.record(Sold(at=day(310), by=SALES))
    ada, bob = ada.refer("bob", at=day(320), evidence=["fit"])
    return refusal, ada, bob


def _refused(journey: Journey, at: datetime) -> MoveRefused:
    try:
        journey.move("win", at=at)
    except MoveRefused as refusal:
        return refusal
    raise AssertionError("the playbook has changed: the illegal move of the demo is legal now")
