"""The registry: the playbooks at hand, by id and version."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, Any

from pydantic import PlainSerializer, PlainValidator, ValidationInfo

from leadlife.errors import Malformed, UnknownPlaybook, article, did_you_mean
from leadlife.facts import PlaybookRef
from leadlife.playbook.playbook import Playbook


class PlaybookRegistry:
    """The playbooks at hand.

    Attributes:
        by_name: The playbooks by id and version.
        first: The playbook that a journey begins under.
        override: A playbook that stands in for every other; None where there is none.
    """

    __slots__ = ("by_name", "first", "override")

    def __init__(self, playbooks: Iterable[Playbook], *, override: Playbook | None = None) -> None:
        """Take in playbooks.

        Raises:
            Malformed: A value is not a playbook, two playbooks have one name and differ, or there is none.
        """
        self.by_name: dict[tuple[str, str], Playbook] = {}
        for playbook in playbooks:
            if not isinstance(playbook, Playbook):
                raise Malformed(
                    f"{article(type(playbook).__name__)} is not a playbook",
                    hint="pass a Playbook, such as leadlife.presets.eight_stage()",
                )
            known = self.by_name.setdefault((playbook.id, playbook.version), playbook)
            if known is not playbook and known.digest != playbook.digest:
                raise Malformed(
                    f"two different playbooks are called {playbook.ref}", hint="give one of them a new version"
                )
        if not self.by_name:
            raise Malformed("a journey needs at least one playbook")
        self.first: Playbook = next(iter(self.by_name.values()))
        self.override: Playbook | None = override

    @classmethod
    def of(cls, playbooks: Playbook | Iterable[Playbook]) -> PlaybookRegistry:
        """Return the registry of one playbook or of several."""
        if isinstance(playbooks, PlaybookRegistry):
            return playbooks
        # A model is iterable itself, by its fields, so it is looked at first.
        if isinstance(playbooks, Playbook):
            # Many journeys begin under one playbook, so its registry is kept beside its fields, and they share it.
            alone: PlaybookRegistry | None = vars(playbooks).get("_registry")
            if alone is None:
                alone = vars(playbooks)["_registry"] = cls((playbooks,))
            return alone
        return cls(_several(playbooks))

    def __iter__(self) -> Iterator[Playbook]:
        """Yield the playbooks, the first one first."""
        return iter(self.by_name.values())

    def find(self, ref: PlaybookRef) -> Playbook:
        """Return the playbook that a fact names.

        Raises:
            UnknownPlaybook: It is not at hand, or its content is not the one that the fact names.
        """
        if self.override is not None:
            return self.override
        if self.first.ref is ref:
            return self.first
        playbook = self.by_name.get((ref.id, ref.version))
        if playbook is None:
            names = [f"{name} {version}" for name, version in self.by_name]
            older = any(name == ref.id for name, _ in self.by_name)
            hint = "pass that version as well" if older else did_you_mean(str(ref), names)
            raise UnknownPlaybook(f"playbook {ref} is not at hand", hint=hint)
        if playbook.digest != ref.digest:
            raise UnknownPlaybook(
                f"the content of playbook {ref} has changed since the log named it",
                hint="give the changed playbook a new version, or use journey.under(playbook) for what would have been",
            )
        return playbook

    def all(self) -> tuple[Playbook, ...]:
        """Return every playbook at hand."""
        return tuple(self.by_name.values())

    def adding(self, playbook: Playbook) -> PlaybookRegistry:
        """Return a registry with one more playbook."""
        return PlaybookRegistry((*self.by_name.values(), playbook), override=self.override)

    def overridden(self, playbook: Playbook) -> PlaybookRegistry:
        """Return a registry in which one playbook stands in for every other.

        Raises:
            Malformed: The value is not a playbook.
        """
        return PlaybookRegistry(self.by_name.values(), override=PlaybookRegistry((playbook,)).first)


def _several(playbooks: Any) -> Iterable[Any]:
    return playbooks if isinstance(playbooks, Iterable) else (playbooks,)


def _find_named(value: Any, info: ValidationInfo) -> Playbook:
    registry: PlaybookRegistry = (info.context or {})["registry"]
    return registry.find(PlaybookRef.model_validate(value))


RegisteredPlaybook = Annotated[
    Playbook, PlainSerializer(lambda playbook: playbook.ref.model_dump()), PlainValidator(_find_named)
]
"""A playbook that is written as its reference, and read back from the ``registry`` of the validation context."""
