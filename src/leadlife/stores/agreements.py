"""The playbooks of a store: those that the host passes, and those that its logs name."""

from __future__ import annotations

import json
from collections.abc import Iterable

from leadlife._base.arguments import listed_of
from leadlife.errors import Damaged, LeadlifeError, Malformed
from leadlife.facts import Fact, PlaybookAdopted, Started
from leadlife.io.playbook_files import as_playbook, parse_json
from leadlife.playbook.playbook import Playbook
from leadlife.playbook.registry import PlaybookRegistry
from leadlife.stores.database import Session, read
from leadlife.stores.tables import PLAYBOOKS, PlaybookRow


class Agreements:
    """The playbooks at hand. What a log names is kept in the store itself, so that any log can be replayed.

    A playbook that the host passes is used instead of the stored one of the same content: functions of one's own are
    bound to it, and to the stored one they are not.
    """

    def __init__(self, playbooks: Playbook | Iterable[Playbook]) -> None:
        """Take in the playbooks of the host; the first is the one that new leads begin under.

        Raises:
            Malformed: There is none, or a value is no playbook.
        """
        given = (playbooks,) if isinstance(playbooks, Playbook) else listed_of("playbooks", playbooks, Playbook)
        if not given:
            raise Malformed("a store needs at least one playbook", hint="pass the one that new leads begin under")
        self.registry: PlaybookRegistry = PlaybookRegistry(given)
        self._stored: set[tuple[str, str]] = set()

    @property
    def first(self) -> Playbook:
        """The playbook that new leads begin under."""
        return self.registry.first

    def all(self) -> tuple[Playbook, ...]:
        """Return every playbook at hand."""
        return self.registry.all()

    def is_personal(self, field: str) -> bool:
        """Return whether the values of a field are personal: a playbook flags it, or none declares it."""
        specs = [one.fields[field] for one in self.registry.all() if field in one.fields]
        return not specs or any(spec.personal for spec in specs)

    def refresh(self, session: Session) -> bool:
        """Take in the stored playbooks that are not at hand; return whether there were any.

        Raises:
            Damaged: A stored playbook cannot be read.
        """
        known = self.registry.by_name
        new = [_playbook(row) for row in read(session, PLAYBOOKS) if (row.id, row.version) not in known]
        if new:
            self.registry = PlaybookRegistry((*self.registry.all(), *new))
        return bool(new)

    def keep(self, session: Session, facts: Iterable[Fact]) -> None:
        """Write the playbooks that facts name and that are not stored yet.

        Raises:
            Malformed: A stored playbook of the same id and version has another content.
        """
        refs = [fact.playbook for fact in facts if isinstance(fact, Started | PlaybookAdopted)]
        for ref in refs:
            if (ref.id, ref.version) not in self._stored:
                self.add(session, self.registry.find(ref))

    def add(self, session: Session, playbook: Playbook) -> None:
        """Write a playbook, if it is not stored yet.

        Raises:
            Malformed: A stored playbook of the same id and version has another content.
        """
        name = (playbook.id, playbook.version)
        session.lock("playbooks")
        found = read(session, PLAYBOOKS, "WHERE id = :id AND version = :version", id=name[0], version=name[1])
        if not found:
            body = json.dumps(playbook.model_dump(mode="json"))  # with all defaults, which a later release may change
            session.insert(PLAYBOOKS, [PlaybookRow(*name, playbook.digest, body)])
        elif found[0].digest != playbook.digest:
            raise Malformed(
                f"the store holds another playbook called {playbook.ref}", hint="give the changed one a new version"
            )
        self._stored.add(name)
        if name not in self.registry.by_name:
            self.registry = self.registry.adding(playbook)


def _playbook(row: PlaybookRow) -> Playbook:
    try:
        return as_playbook(parse_json(row.body))
    except LeadlifeError as error:
        raise Damaged(f"the stored playbook {row.id} {row.version} cannot be read: {error}") from None
