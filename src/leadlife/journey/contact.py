"""What a planner reads of a lead: the programmes it takes part in, what was sent, consents, and its readiness."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from leadlife._base.model import LATEST
from leadlife.criteria import Criterion, Observation
from leadlife.journey.data import JourneyData, growable, state_at
from leadlife.journey.memory import newest_first
from leadlife.journey.state import State
from leadlife.journey.timers import next_timer
from leadlife.journey.view import JourneyView
from leadlife.playbook.playbook import Playbook
from leadlife.qualification.rule_index import programme_of
from leadlife.timing import earliest

if TYPE_CHECKING:
    from leadlife.facts import TouchRecord


SKEW = timedelta(minutes=5)
"""How far a touch may be dated before the enrolment that it belongs to, because two clocks differ."""


class Enrolment(NamedTuple):
    """A lead's part in a programme.

    Attributes:
        programme: The name of the programme.
        since: When the lead entered.
        fact: The id of the fact at which it entered; None where time alone decided.
        ordinal: How many facts had been folded then.
        expires: When it ends at the latest; None where the programme says nothing of it.
    """

    programme: str
    since: datetime
    fact: str | None
    ordinal: int
    expires: datetime | None


def enrolled(state: State) -> Iterator[Enrolment]:
    """Yield the programmes that the lead takes part in."""
    for key, known in () if state.rules is None else state.rules.by_name.items():
        name = programme_of(key)
        if name is not None and known.since is not None:
            yield Enrolment(name, known.since, known.fact, known.ordinal, known.expires)


class ContactState:
    """A lead at an instant, as a planner reads it; made by ``Journey.contact_state``."""

    __slots__ = ("_data", "_state", "at")

    def __init__(self, data: JourneyData, at: datetime) -> None:
        self._data = growable(data)
        self._state = state_at(self._data, at)
        self.at: datetime = at

    @property
    def lead_id(self) -> str:
        """Whose it is."""
        return self._data.lead_id

    @property
    def pipeline(self) -> str:
        """In which pipeline."""
        return self._data.pipeline

    @property
    def playbook(self) -> Playbook:
        """The playbook in force."""
        return self._data.playbook_of(self._state)

    @property
    def started(self) -> bool:
        """Whether the journey has begun."""
        return self._state.position is not None

    @property
    def enrolments(self) -> tuple[Enrolment, ...]:
        """The programmes that the lead takes part in."""
        return tuple(enrolled(self._state))

    @property
    def changes_at(self) -> datetime | None:
        """When time alone, or a planned fact, changes something of the lead; None if only a new fact can."""
        timer = next_timer(self._state, LATEST)
        planned = next((fact.at for fact in self._data.planned if fact.at > self.at), None)
        return earliest((planned, None if timer is None else timer.at))

    @property
    def readiness(self) -> str | None:
        """How close to buying the lead behaves."""
        rules = self._state.rules
        return None if rules is None or rules.readiness is None else rules.readiness.segment

    def touches(self) -> Iterator[Observation]:
        """Yield every touch, the newest first; the value of each is a :class:`TouchRecord`."""
        return newest_first(self._state.memory.touches)

    def touches_of(self, enrolment: Enrolment) -> Iterator[Observation]:
        """Yield the touches of an enrolment, the newest first: those after it began, and those that say so."""
        for seen in self.touches():
            # What came before the enrolment belongs to an earlier one, unless the sender's clock is a little behind.
            if seen.ordinal <= enrolment.ordinal and seen.at < enrolment.since - SKEW:
                return
            record: TouchRecord = seen.value
            own = seen.ordinal > enrolment.ordinal or record.enrolled == enrolment.since
            if own and record.programme == enrolment.programme:
                yield seen

    @property
    def has_retractions(self) -> bool:
        """Whether any fact was ever retracted."""
        return self._data.log.has_retractions

    def has_key(self, key: str) -> bool:
        """Return whether a fact has this key, whether it was retracted or not."""
        return self._data.log.has_key(key)

    def last_sent(self, message: str) -> datetime | None:
        """Return when a message was last sent."""
        seen = self._state.memory.latest.get(("message", message))
        return None if seen is None else seen.at

    def consent(self, purpose: str) -> bool | None:
        """Return what the lead said last about one use of its data; None if nothing."""
        seen = self._state.memory.latest.get(("consent", purpose))
        return None if seen is None else bool(seen.value[0])

    def field(self, name: str) -> Any:
        """Return the value of a field; None if it is blank."""
        seen = self._state.memory.latest.get(("field", name))
        return None if seen is None else seen.value

    def is_true(self, criterion: Criterion, at: datetime) -> bool:
        """Return whether a criterion is true at an instant, by what is known now."""
        state = self._state if at == self.at else state_at(self._data, at)
        return criterion.predicate(JourneyView(state, at, brief=True, for_rules=True)) is True
