"""The store over a database: every public method is in this file, and delegates to a function of this package.

It passes 400 lines for that reason.

``SqliteStore``, ``MemoryStore`` and ``SqlStore`` are this class over different databases.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from leadlife._base.arguments import expect
from leadlife._base.model import identifier
from leadlife._base.outcomes import whole
from leadlife.errors import Malformed
from leadlife.facts import Erased
from leadlife.journey import Journey
from leadlife.leads import SYSTEM, Actor, Lead, Source, actor
from leadlife.playbook.playbook import Playbook
from leadlife.stores import (
    adopting,
    applying,
    chain,
    erasing,
    finding,
    merging,
    outbox,
    settings,
    snapshots,
    sweeping,
    transfer,
    verifying,
)
from leadlife.stores.adopting import Adoption
from leadlife.stores.agreements import Agreements
from leadlife.stores.checking import file_of, function_of, limit_of, number_of, position_of, text_of
from leadlife.stores.context import OnNew, StoreContext
from leadlife.stores.database import Database
from leadlife.stores.finding import Several, Wanted
from leadlife.stores.journeys import Saved, known_row, load
from leadlife.stores.lead_state import LeadState
from leadlife.stores.outbox import BEGINNING, OutboxPosition, StoredFact
from leadlife.stores.sweeping import Swept
from leadlife.stores.transfer import Imported
from leadlife.stores.verifying import Verification
from leadlife.timing import instant

MAIN = "main"


class DatabaseStore:
    """Keeps the journeys of many leads in a database, with a list of where each stands, and an outbox.

    Every method is safe for many threads and processes at once.
    """

    def __init__(
        self,
        database: Database,
        playbooks: Playbook | Iterable[Playbook],
        *,
        on_new: OnNew | None = None,
        chained: bool = False,
        snapshot_every: int = 50,
    ) -> None:
        """Open a store, and create its tables where they are not there yet.

        Args:
            database: Where it is.
            playbooks: The playbook that new leads begin under, and more if logs need them. Those that logs name are
                kept in the store itself; functions of your own are bound to those that are passed here.
            on_new: What is called with new facts after they are committed, in the process that saved them. The outbox
                (``deliver``) does not forget where a process dies in between.
            chained: Whether a new store keeps tamper evidence; see ``head``. An existing store stays as it is.
            snapshot_every: After so many new facts a snapshot of a lead is kept.

        Raises:
            Unreadable: The store was written by a later release of leadlife.
            Malformed: An argument cannot be understood, or the store holds another playbook of the same id and version.
        """
        agreements = Agreements(playbooks)
        if on_new is not None:
            function_of("on_new", on_new)
        every = whole("snapshot_every", snapshot_every, least=1)
        database.create()
        with database.writing() as session:
            chained = settings.open_store(session, chained=chained)
            for playbook in agreements.all():
                agreements.check(session, playbook)
            agreements.refresh(session)
        self._context = StoreContext(database, agreements, chained, on_new, every)

    # ------------------------------------------------------------------ one lead

    def start(
        self,
        lead: Lead | str,
        *,
        at: datetime,
        stage: str | None = None,
        pipeline: str = MAIN,
        by: Actor | str = SYSTEM,
        source: Source | None = None,
        evidence: Iterable[str] = (),
        now: datetime | None = None,
        key: str | None = None,
    ) -> Saved:
        """Start a lead under the first playbook of the store.

        Args:
            lead: The lead, or just its id. What a ``Lead`` states is recorded as facts.
            at: When.
            stage: Where; by default the first entry that is open to it.
            pipeline: In which pipeline.
            by: Who starts it.
            source: Where the first cycle comes from; by default the lead's own source.
            evidence: Names of what is already known to be so, such as ``["fit"]``.
            now: The clock of whoever records it; by default ``at``.
            key: The idempotency key of the request: sent again, it has no second effect.

        Raises:
            VersionConflict: The lead has been started before.
            KeyReused: The key was sent before for this lead, with something else about it.
            MoveRefused: No journey begins at that stage.
            Malformed: An argument cannot be understood.
        """
        playbook = self._context.agreements.first
        journey = Journey.start(
            lead, playbook, at=at, stage=stage, pipeline=pipeline, by=by, source=source, evidence=evidence, now=now
        )
        content = b"\n".join(fact.content(timeless=True) for fact in journey.facts)
        return applying.apply(
            self._context,
            journey.lead_id,
            lambda _: journey,
            pipeline=pipeline,
            key=key,
            content=content,
            expected_version=0,
        )

    def load(self, lead: str, *, pipeline: str = MAIN, tail: bool = False) -> Journey:
        """Return the journey of a lead, with all of its facts, as of when it was last saved or swept.

        Args:
            lead: Whose.
            pipeline: In which pipeline.
            tail: Whether facts from before its latest snapshot may be left out, which spares reading a long log. What
                reaches back to them raises ``NeedsWholeLog``.

        Raises:
            UnknownLead: There is no such lead.
            Damaged: What is stored is not as it was written.
            UnknownPlaybook: The log names a playbook that is neither at hand nor stored.
        """
        with self._context.database.reading() as session:
            row = known_row(session, identifier(lead), identifier(pipeline))
            return load(session, self._context, row, tail=tail)

    def state(self, lead: str, *, pipeline: str = MAIN) -> LeadState:
        """Return where a lead stood when it was last saved or swept, without replaying it.

        Raises:
            UnknownLead: There is no such lead.
        """
        with self._context.database.reading() as session:
            return LeadState.of(known_row(session, identifier(lead), identifier(pipeline)))

    def apply(
        self,
        lead: str,
        change: Callable[[Journey], Journey],
        *,
        pipeline: str = MAIN,
        key: str | None = None,
        content: str | bytes | None = None,
        expected_version: int | None = None,
        expected_revision: int | None = None,
        create: bool = False,
    ) -> Saved:
        """Load a lead, change it, save it, and do it again if somebody else was faster.

        The change is a function of the journey, such as ``lambda journey: journey.move("engage", at=now, now=now)``. It
        may run twice, so it must have no other effect: notify from what is returned, or from the outbox. What it raises
        goes through, and nothing is saved.

        Args:
            lead: Whose.
            change: Takes the journey, and returns what its verbs return.
            pipeline: In which pipeline.
            key: The idempotency key of the request. The second time it has no effect, whatever the clock says by then,
                and the answer says ``repeated``.
            content: What was asked for, such as the body of the request: another one under the same key is refused.
            expected_version: The version that the caller has seen: no fact may have been recorded since.
            expected_revision: The revision that the caller has seen, such as from an ``If-Match`` header: nothing may
                have changed since, by time alone either.
            create: Whether a lead that the store does not know is handed in as an empty journey, to which facts can be
                recorded before it starts.

        Raises:
            UnknownLead: There is no such lead.
            VersionConflict: The lead has another version or revision than expected.
            KeyReused: The key was sent before with other content.
            LeadErased: The data of the lead were erased.
            Malformed: The change returned no journey, or one that does not go on from the stored one.
        """
        function_of("the change", change)
        return applying.apply(
            self._context,
            identifier(lead),
            change,
            pipeline=identifier(pipeline),
            key=key,
            content=content,
            expected_version=None if expected_version is None else number_of("expected_version", expected_version),
            expected_revision=None if expected_revision is None else number_of("expected_revision", expected_revision),
            create=create,
        )

    def save(self, journey: Journey, *, expected_version: int) -> Saved:
        """Keep what is new in a journey, all of it or nothing; ``apply`` does the same with less work.

        Args:
            journey: A journey that goes on from the stored one.
            expected_version: The version that the stored one had when it was loaded; 0 for a new lead.

        Raises:
            VersionConflict: The stored one has another version.
            Malformed: The journey does not go on from the stored one.
            LeadErased: The data of the lead were erased.
        """
        expect("journey", journey, Journey, hint="pass what the journey's verbs return")
        return applying.apply(
            self._context,
            journey.lead_id,
            lambda _: journey,
            pipeline=journey.pipeline,
            expected_version=number_of("expected_version", expected_version),
        )

    def merge(
        self,
        survivor: str,
        loser: str,
        *,
        at: datetime,
        by: Actor | str = SYSTEM,
        now: datetime | None = None,
        pipeline: str = MAIN,
    ) -> Saved:
        """Let a lead go on as another one, because they are one person; see ``Journey.merge`` for what that means.

        From then on every request for the loser is one for the survivor. Leads that are one person already are left
        as they are.

        Args:
            survivor: The lead whose id stays.
            loser: The other one.
            at: When it was found out.
            by: Who found it out.
            now: The clock of whoever records it; by default ``at``.
            pipeline: In which pipeline.

        Raises:
            UnknownLead: The store does not know one of them.
            LeadErased: The data of one of them were erased.
            Malformed: They are one and the same lead, or cannot be one person.
        """
        return merging.merge(
            self._context,
            identifier(survivor),
            identifier(loser),
            at=instant(at),
            by=actor(by),
            now=now,
            pipeline=identifier(pipeline),
        )

    def unmerge(
        self,
        loser: str,
        *,
        at: datetime,
        by: Actor | str = SYSTEM,
        now: datetime | None = None,
        pipeline: str = MAIN,
    ) -> tuple[Saved, Saved]:
        """Let a lead go on as itself again, and return the lead that it was merged into, and the lead itself.

        What was recorded since the merge stays with the lead that it was merged into. Where leads were merged one after
        another, the last merge is taken apart first.

        Raises:
            Malformed: The lead is not merged into another one.
        """
        lead = identifier(loser)
        return merging.unmerge(
            self._context, lead, at=instant(at), by=actor(by), now=now, pipeline=identifier(pipeline)
        )

    # ------------------------------------------------------------------ many leads

    def find(
        self,
        *,
        pipeline: str | None = None,
        stage: Several = None,
        status: Several = None,
        owner: Several = None,
        qualification: str | None = None,
        playbook: str | None = None,
        due_by: datetime | None = None,
        erased: bool = False,
        after: LeadState | tuple[str, str] | None = None,
        limit: int = 50,
    ) -> tuple[LeadState, ...]:
        """Return a page of leads by their current state, in the order of their keys, without replaying any.

        Args:
            pipeline: Only those in this pipeline.
            stage: Only those in this stage, or in one of several.
            status: Only those in this status, or in one of several.
            owner: Only those of this owner, or of one of several.
            qualification: Only those that hold it.
            playbook: Only those under the playbook with this id.
            due_by: Only those that time alone changes by then.
            erased: Whether tombstones are listed as well.
            after: The last lead of the page before, or its lead and pipeline.
            limit: How many at most.

        Raises:
            Malformed: An argument cannot be understood.
            UnknownName: No playbook of the store declares a stage, a qualification, or the id of a playbook.
        """
        wanted = Wanted(pipeline, stage, status, owner, qualification, playbook, due_by, erased)
        with self._context.database.reading() as session:
            wanted = finding.checked(session, wanted, self._context.agreements)
            return finding.find(session, wanted, after=after, limit=limit)

    def count(
        self,
        *,
        status: Several = None,
        owner: Several = None,
        qualification: str | None = None,
        due_by: datetime | None = None,
        erased: bool = False,
    ) -> dict[tuple[str, str | None], int]:
        """Return how many leads there are, by pipeline and stage; arguments as of ``find``."""
        wanted = Wanted(None, None, status, owner, qualification, None, due_by, erased)
        with self._context.database.reading() as session:
            return finding.count(session, finding.checked(session, wanted, self._context.agreements))

    def sweep(self, now: datetime, *, batch: int = 100) -> Iterator[Swept]:
        """Let time pass for every lead that is due, and yield what changed; iterate over it, or nothing happens.

        It costs by how many are due, and not by how many leads there are. Any number of workers may sweep at once: each
        change is saved once. A lead that cannot be looked at is yielded with its error, and the others go on.

        Args:
            now: The clock.
            batch: How many leads are saved in one transaction.

        Raises:
            Malformed: The instant is not an aware datetime.
        """
        return sweeping.sweep(self._context, instant(now), batch=limit_of("batch", batch))

    # ------------------------------------------------------------------ the log of all leads

    def facts_since(self, position: OutboxPosition = BEGINNING, *, limit: int = 500) -> tuple[StoredFact, ...]:
        """Return the facts after a position, of all leads, in the order of the commits.

        Observed facts, what the playbook concluded, and what it took back. Nothing ever appears before a position that
        was handed out.

        Args:
            position: The position of the last fact that was read before.
            limit: How many at most.
        """
        begin = position_of(position)
        with self._context.database.reading() as session:
            return outbox.facts_since(session, begin, limit=limit_of("limit", limit))

    def deliver(self, consumer: str, handle: Callable[[StoredFact], object], *, limit: int = 100) -> int:
        """Hand the next facts to a named consumer, each at least once, and return how many there were.

        The consumer's bookmark follows once they are handled. What ``handle`` raises goes through; the fact at which it
        did comes again the next time.

        Args:
            consumer: The name of the bookmark; any number of consumers read for themselves.
            handle: What is done with a fact. It may see one again, after a crash or beside another worker, so it looks
                at the fact's id.
            limit: How many at most.
        """
        function_of("handle", handle)
        return outbox.deliver(self._context, identifier(consumer), handle, limit=limit_of("limit", limit))

    def deliver_together(self, consumer: str, handle: Callable[[StoredFact, Any], object], *, limit: int = 100) -> int:
        """Hand the next facts to a consumer that writes in this database, and return how many there were.

        ``handle`` gets the fact, and the connection of the transaction that moves the bookmark. What it writes there is
        committed with the bookmark or not at all, so each fact takes effect once.
        """
        function_of("handle", handle)
        return outbox.deliver_together(self._context, identifier(consumer), handle, limit=limit_of("limit", limit))

    def skip(self, consumer: str) -> OutboxPosition:
        """Let a consumer begin after all that is in the log by now, and return where: a new one begins at its start."""
        return outbox.skip(self._context, identifier(consumer))

    def bookmark(self, consumer: str) -> OutboxPosition:
        """Return how far a consumer has read."""
        with self._context.database.reading() as session:
            return outbox.bookmark(session, identifier(consumer))

    # ------------------------------------------------------------------ the life of the data

    def adopt(
        self,
        playbook: Playbook,
        *,
        at: datetime,
        by: Actor | str = SYSTEM,
        stages: Mapping[str, str] | None = None,
        pipeline: str | None = None,
        dry_run: bool = False,
    ) -> Adoption:
        """Let every live lead adopt a playbook, or another version, and return who went where.

        It may be stopped and run again: leads that are under it already are left alone. A lead that cannot adopt it as
        it is stays where it is, and is listed for a person. New leads of this store begin under it from then on; other
        processes are to be opened with it.

        Args:
            playbook: The agreement in force from ``at``.
            at: When; for a lead of which something is known that is later, at that instant.
            by: Who decided it.
            stages: Old stage ids to new ones, where they differ. A lead whose playbook lacks an old one ignores it.
            pipeline: Only leads in this pipeline.
            dry_run: Whether nothing is saved.

        Raises:
            Malformed: A stage is unknown, or the store holds another playbook of this id and version.
        """
        expect("playbook", playbook, Playbook, hint="pass the new Playbook itself")
        if stages is not None and not isinstance(stages, Mapping):
            raise Malformed("stages must be a mapping of old stage ids to new ones")
        renamed = {text_of("a stage", old): text_of("a stage", new) for old, new in (stages or {}).items()}
        return adopting.adopt(
            self._context,
            playbook,
            at=instant(at),
            by=actor(by),
            stages=renamed,
            pipeline=None if pipeline is None else identifier(pipeline),
            dry_run=dry_run,
        )

    def erase(
        self, lead: str, *, at: datetime, by: Actor | str = SYSTEM, reason: str | None = None
    ) -> tuple[LeadState, ...]:
        """Erase what is personal about a lead, in every pipeline, and return its tombstones.

        The values of fields that a playbook flags personal, the text in activities, notes and other free text, and the
        keys of the host go from the log, the snapshots, the outbox and the requests. Stage, history, counts and
        figures stay, and so do the lead's id and those of actors: choose ids that say nothing. The fact ``Erased``
        tells the consumers of the outbox. Nothing more can be recorded of the lead. Call ``vacuum`` to overwrite
        what the files of the database still hold.

        Args:
            lead: Whose data.
            at: When; where something later is known of the lead, at that instant.
            by: Who erases it.
            reason: Why, in a word, such as ``requested``.

        Raises:
            UnknownLead: There is no such lead.
        """
        return erasing.erase(self._context, identifier(lead), Erased(at=instant(at), by=by, reason=reason))

    def retain(
        self,
        *,
        status: Several,
        recorded_before: datetime,
        at: datetime,
        by: Actor | str = SYSTEM,
        dry_run: bool = False,
    ) -> tuple[tuple[str, str], ...]:
        """Erase the leads in some statuses of which nothing was recorded since an instant; return their keys.

        Args:
            status: The status, or several, such as ``["lost", "disqualified"]``.
            recorded_before: How long ago the latest observed fact must be.
            at: When they are erased.
            by: Who erases them.
            dry_run: Whether nothing is erased.

        Raises:
            Malformed: A status is unknown, or ``recorded_before`` lies after ``at``.
        """
        statuses = finding.several("status", status)
        if not statuses:
            raise Malformed("status must name at least one status", hint='such as ["lost", "disqualified"]')
        before, now = instant(recorded_before), instant(at)
        if before > now:
            raise Malformed("recorded_before lies after at", hint="pass the instant until which data are kept")
        found = [(one.lead, one.pipeline) for one in erasing.outdated(self._context, statuses, before)]
        for lead, pipeline in () if dry_run else found:
            erasing.erase(self._context, lead, Erased(at=now, by=by, reason="retention"), pipeline=pipeline)
        return tuple(found)

    def export(self, lead: str) -> dict[str, Any]:
        """Return everything that is known of a lead, in every pipeline, as plain values.

        With its facts, and with each automated decision and its explanation.

        Raises:
            UnknownLead: There is no such lead.
        """
        with self._context.database.reading() as session:
            return erasing.export(session, self._context, identifier(lead))

    def write_lines(self, path: Path | str) -> int:
        """Write the whole store as JSON lines, and return how many: playbooks, facts in their order, tombstones.

        The facts are lines as ``leadlife.io.fact_lines.read_facts`` reads them.

        Raises:
            Unreadable: The file cannot be written.
        """
        return transfer.write_lines(self._context, file_of(path))

    def read_lines(self, path: Path | str) -> Imported:
        """Take in JSON lines that ``write_lines`` wrote, in whatever order they stand.

        A lead that is there already is continued, if its log goes on from the stored one. A line that cannot be read,
        and a lead whose log does not fit, are set aside with their line and the reason.

        Raises:
            Unreadable: The file cannot be read.
        """
        return transfer.read_lines(self._context, file_of(path))

    def forget_keys(self, *, before: datetime) -> int:
        """Forget the idempotency keys of requests that were carried out before an instant; return how many.

        A request that is sent again after that has its effect again, so keep them for longer than anybody retries.
        """
        return applying.forget_keys(self._context, instant(before))

    def compact(self) -> int:
        """Make a new snapshot of each lead whose snapshot is not of its present version; return how many were made.

        So every lead loads at its fastest, and snapshots of another release, which are ignored, are replaced.
        """
        return snapshots.compact(self._context)

    def verify(self, *, head: str | None = None) -> Verification:
        """Read every row, and return what is not as it was written.

        Args:
            head: What ``head`` returned earlier and was kept elsewhere. Then a log whose tail was cut, or that was
                written anew, is found as well.
        """
        return verifying.verify(self._context.database, head=head)

    def vacuum(self) -> None:
        """Write the files of the database anew, without what was deleted or erased."""
        self._context.database.vacuum()

    # ------------------------------------------------------------------ the store itself

    @property
    def playbooks(self) -> tuple[Playbook, ...]:
        """Every playbook at hand, those that were passed and those that logs name."""
        with self._context.database.reading() as session:
            self._context.agreements.refresh(session)
        return self._context.agreements.all()

    def head(self) -> str | None:
        """Return the head of the chain, to be kept elsewhere; None where the store keeps no tamper evidence."""
        with self._context.database.reading() as session:
            return chain.head(session)

    def close(self) -> None:
        """Close the connections of the store."""
        self._context.database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
