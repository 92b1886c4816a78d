"""The playbooks of a store: those that the host passes, and those that its logs name."""

from __future__ import annotations

import json
from collections.abc import Iterable

from leadlife._base.arguments import listed
from leadlife.errors import LeadlifeError, Malformed, UnknownName, UnknownPlaybook, did_you_mean
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
            Malformed: There is none, or a value is not a playbook.
        """
        given = (playbooks,) if isinstance(playbooks, Playbook | str) else listed("playbooks", playbooks)
        if not given:
            raise Malformed("a store needs at least one playbook", hint="pass the one that new leads begin under")
        self.registry: PlaybookRegistry = PlaybookRegistry(given)
        self.unusable: dict[tuple[str, str], str] = {}
        """The stored playbooks that cannot be used as they are, with the reason: they need functions of the host."""

    @property
    def first(self) -> Playbook:
        """The playbook that new leads begin under."""
        return self.registry.first

    def begin_with(self, playbook: Playbook) -> None:
        """Let new leads begin under a playbook from now on."""
        others = (one for one in self.registry.all() if one.ref != playbook.ref)
        self.registry = PlaybookRegistry((playbook, *others))

    def all(self) -> tuple[Playbook, ...]:
        """Return every playbook at hand."""
        return self.registry.all()

    def is_personal(self, field: str) -> bool:
        """Return whether the values of a field are personal: a playbook flags it, or none declares it."""
        specs = [one.fields[field] for one in self.registry.all() if field in one.fields]
        return not specs or any(spec.personal for spec in specs)

    def refresh(self, session: Session) -> bool:
        """Take in the stored playbooks that are not at hand; return whether there were any.

        One that needs functions of the host is left out until a log needs it: the host then passes it itself.
        """
        new: list[Playbook] = []
        for row in read(session, PLAYBOOKS):
            name = (row.id, row.version)
            if name in self.registry.by_name or name in self.unusable:
                continue
            try:
                new.append(as_playbook(parse_json(row.body)))
            except LeadlifeError as error:
                self.unusable[name] = error.message
        if new:
            self.registry = PlaybookRegistry((*self.registry.all(), *new))
        return bool(new)

    def check_names(self, session: Session, what: str, names: Iterable[str]) -> None:
        """Check that stages, qualifications or ids of playbooks are those of a playbook of the store.

        A stored playbook that cannot be used may declare any name.

        Raises:
            UnknownName: No playbook declares one of them.
        """
        asked = tuple(names)
        if all(name in self._declared(what) for name in asked):
            return
        self.refresh(session)
        known = self._declared(what)
        for name in asked:
            if name not in known and not self.unusable:
                owner = "no playbook of the store is called" if what == "playbook" else f"no playbook has a {what}"
                raise UnknownName(f"{owner} {name!r}", hint=did_you_mean(name, known))

    def _declared(self, what: str) -> dict[str, None]:
        names: dict[str, None] = {}
        for playbook in self.registry.all():
            if what == "playbook":
                names[playbook.id] = None
            else:
                found = playbook.lifecycle.by_id if what == "stage" else playbook.qualification_by_name
                names.update(dict.fromkeys(found))
        return names

    def missing(self, error: UnknownPlaybook) -> UnknownPlaybook:
        """Return the error of a playbook that is not at hand, with the reason where one is stored that is of no use."""
        reasons = [f"{' '.join(name)}: {why}" for name, why in self.unusable.items() if " ".join(name) in error.message]
        if not reasons:
            return error
        return UnknownPlaybook(f"{error.message}; as stored it is of no use: {reasons[0]}", hint="pass it to the store")

    def keep(self, session: Session, facts: Iterable[Fact]) -> None:
        """Write the playbooks that facts name and that are not stored yet.

        Raises:
            Malformed: A stored playbook of the same id and version has another content.
        """
        for fact in facts:
            if isinstance(fact, Started | PlaybookAdopted):
                self.add(session, self.registry.find(fact.playbook))

    def check(self, session: Session, playbook: Playbook) -> bool:
        """Return whether a playbook is stored.

        Raises:
            Malformed: A stored one of the same id and version has another content.
        """
        name = {"id": playbook.id, "version": playbook.version}
        found = read(session, PLAYBOOKS, "WHERE id = :id AND version = :version", **name)
        if found and found[0].digest != playbook.digest:
            raise Malformed(
                f"the store holds another playbook called {playbook.ref}", hint="give the changed one a new version"
            )
        return bool(found)

    def add(self, session: Session, playbook: Playbook) -> None:
        """Write a playbook, if it is not stored yet.

        Raises:
            Malformed: A stored playbook of the same id and version has another content.
        """
        if not self.check(session, playbook):
            session.lock("playbooks")
            if not self.check(session, playbook):  # another session may have written it since
                body = json.dumps(playbook.model_dump(mode="json"))  # with all defaults, which a release may change
                row = PlaybookRow(playbook.id, playbook.version, playbook.digest, body)
                session.insert(PLAYBOOKS, [row])
        if (playbook.id, playbook.version) not in self.registry.by_name:
            self.registry = self.registry.adding(playbook)
