"""Facts as JSON lines: one fact on each line, of any number of leads."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from leadlife._base.arguments import listed_of
from leadlife.errors import LeadlifeError, Malformed, Unreadable
from leadlife.facts import Fact, load_fact
from leadlife.journey import Journey
from leadlife.playbook.playbook import Playbook


class LineSetAside(NamedTuple):
    """A line, or a lead, that could not be read; the others were.

    Attributes:
        line: The line, from 1; of a lead, that of its first fact.
        lead: The lead, where it is known.
        reason: Why.
    """

    line: int
    lead: str | None
    reason: str

    def __str__(self) -> str:
        return f"line {self.line}{f' ({self.lead})' if self.lead is not None else ''}: {self.reason}"


class FactLines(NamedTuple):
    """The leads in a file of facts.

    Attributes:
        journeys: The leads, in the order of their first facts.
        read: How many lines were read; blank ones are not counted.
        set_aside: What could not be read, and why.
    """

    journeys: tuple[Journey, ...]
    read: int
    set_aside: tuple[LineSetAside, ...]


def read_facts(source: Path | str, playbooks: Playbook | Iterable[Playbook]) -> FactLines:
    """Return the leads of a file in which each line is a fact, as ``Fact.dump`` gives it.

    Facts that a journey has recorded have stamps and are replayed, in whatever order they stand. Facts without stamps
    are recorded after those, in the order of the file; each needs its ``lead``. A line that is not a fact, and a lead
    whose facts do not fit the playbook, are set aside with their line and the reason.

    Args:
        source: The file.
        playbooks: Every playbook that the facts name.

    Raises:
        Unreadable: The file cannot be read, or is not UTF-8 text.
        Malformed: An argument has the wrong type.
    """
    if not isinstance(source, Path | str):
        raise Malformed("source must be the path of a file")
    path = Path(source)
    by_lead: dict[tuple[str, str], list[tuple[int, Fact]]] = {}
    aside: list[LineSetAside] = []
    read = 0
    given = (playbooks,) if isinstance(playbooks, Playbook) else listed_of("playbooks", playbooks, Playbook)
    try:
        with path.open(encoding="utf-8-sig") as lines:
            for number, line in enumerate(lines, start=1):
                if not line.strip():
                    continue
                read += 1
                try:
                    fact = load_fact(line)
                except LeadlifeError as error:
                    aside.append(LineSetAside(number, None, str(error)))
                    continue
                if fact.lead is None:  # None before it is recorded
                    aside.append(LineSetAside(number, None, "the fact names no lead"))
                else:
                    by_lead.setdefault((fact.lead, fact.pipeline or "main"), []).append((number, fact))
    except (OSError, UnicodeDecodeError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "it is not UTF-8 text"
        raise Unreadable(f"{path.name!r} cannot be read: {reason}") from None
    journeys: list[Journey] = []
    for (lead, pipeline), facts in by_lead.items():
        try:
            journeys.append(_journey(lead, pipeline, [fact for _, fact in facts], given))
        except LeadlifeError as error:
            aside.append(LineSetAside(facts[0][0], lead, str(error)))
    return FactLines(tuple(journeys), read, tuple(sorted(aside)))


def _is_stamped(fact: Fact) -> bool:
    """Return whether a journey has recorded a fact: only then it has an id."""
    return bool(getattr(fact, "id", None))


def _journey(lead: str, pipeline: str, facts: list[Fact], playbooks: tuple[Playbook, ...]) -> Journey:
    stamped = [fact for fact in facts if _is_stamped(fact)]
    if not stamped:
        return Journey(lead, playbooks[0], pipeline=pipeline).record_all(facts)
    journey = Journey.replay(stamped, playbooks)
    others = [fact for fact in facts if not _is_stamped(fact)]
    return journey.record_all(others) if others else journey
