"""The stages of journeys under the names of one playbook: what a stage was called before is the same stage."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from leadlife.facts import PlaybookAdopted
from leadlife.journey import Journey
from leadlife.lifecycle.lifecycle import Lifecycle


class StageNames(NamedTuple):
    """How the stages of some journeys are called in a lifecycle.

    Attributes:
        known: The stages of the lifecycle.
        renamed: Former names, each with the next one: by the aliases of stages, and by what journeys adopted.
    """

    known: frozenset[str]
    renamed: dict[str, str]

    @classmethod
    def of(cls, journeys: Iterable[Journey], lifecycle: Lifecycle) -> StageNames:
        """Return the names of stages as these journeys and the lifecycle tell them."""
        adopted = {
            old: new
            for journey in journeys
            if any(isinstance(fact, PlaybookAdopted) for fact in journey.facts)  # whether it stands takes longer
            for fact in journey.standing
            if isinstance(fact, PlaybookAdopted)
            for old, new in fact.stages.items()
        }
        aliases = {alias: stage.id for stage in lifecycle.stages for alias in stage.aliases}
        return cls(frozenset(lifecycle.by_id), {**adopted, **aliases})

    def latest(self, stage: str) -> str:
        """Return what the lifecycle calls a stage; its own name where nothing tells of another one."""
        seen = set[str]()
        name = stage
        while name not in self.known and name in self.renamed and name not in seen:
            seen.add(name)
            name = self.renamed[name]
        return name if name in self.known else stage
