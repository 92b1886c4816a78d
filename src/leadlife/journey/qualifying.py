"""Qualifying: what is said of a named test, and granting and withdrawing it by hand."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Self

from leadlife.errors import UnknownName, did_you_mean
from leadlife.facts import QualificationGranted, QualificationWithdrawn
from leadlife.journey.answers import Decision
from leadlife.journey.holding import judge_by_hand
from leadlife.journey.recording import Recording
from leadlife.journey.sight import StateView
from leadlife.leads import SYSTEM, Actor
from leadlife.timing import instant


class Qualifying(Recording):
    """The side of a :class:`Journey` that grants, withdraws and explains qualifications."""

    __slots__ = ()

    def grant(
        self,
        name: str,
        *,
        at: datetime,
        by: Actor | str = SYSTEM,
        expires: datetime | None = None,
        evidence: Iterable[str] = (),
        recorded_at: datetime | None = None,
    ) -> Self:
        """Return the journey after somebody granted a qualification by hand, or raise and add nothing.

        Args:
            name: The qualification.
            at: When.
            by: Who, in which roles.
            expires: When it lapses; by default as its rule says.
            evidence: Ids of the facts that it rests on.
            recorded_at: When it became known.

        Raises:
            NotPermitted: The playbook does not let them.
            UnknownName: There is no such qualification.
            Malformed: An argument cannot be understood.
        """
        fact = QualificationGranted.checked(
            {"name": name, "at": at, "by": by, "expires": expires, "evidence": tuple(evidence)}
        )
        return self._decide(fact, recorded_at)

    def withdraw(
        self,
        name: str,
        reason: str | None = None,
        *,
        at: datetime,
        by: Actor | str = SYSTEM,
        recorded_at: datetime | None = None,
    ) -> Self:
        """Return the journey after somebody withdrew a qualification by hand, or raise and add nothing.

        Its rule grants it again only when a newer fact that it reads confirms it.

        Raises:
            NotPermitted: The playbook does not let them.
            UnknownName: There is no such qualification.
            Malformed: An argument cannot be understood.
        """
        fact = QualificationWithdrawn.checked({"name": name, "at": at, "by": by, "reason": reason})
        return self._decide(fact, recorded_at)

    def _decide(self, fact: QualificationGranted | QualificationWithdrawn, recorded_at: datetime | None) -> Self:
        self._admit(fact)
        refusals = judge_by_hand(self._standing_at(fact.at, late=True)[0], fact)
        if refusals:
            raise refusals[0].error(refusals[1:])
        return self.record(fact, recorded_at=recorded_at)

    def decision(self, name: str, *, at: datetime) -> Decision:
        """Return what is said of a qualification at an instant: whether it holds, on what, and what is missing.

        Raises:
            UnknownName: There is no such qualification.
            GuardError: A callable or a policy that its criteria ask broke.
        """
        at = instant(at)
        state = self._standing_at(at, late=True)[0]
        playbook = state.playbook or self.playbook
        rule = playbook.qualification_by_name.get(name)
        if rule is None:
            raise UnknownName(
                f"there is no qualification {name!r}", hint=did_you_mean(str(name), playbook.qualification_by_name)
            )
        state.playbook = playbook
        latch, view = state.latches.get(name), StateView(state, at, ())
        held = latch is not None and latch.held
        return Decision(
            name,
            held,
            latch.since if latch is not None else None,
            latch.expires if latch is not None else None,
            None if latch is None or not held else latch.by or SYSTEM,
            None if rule.enter is None else rule.enter.verdict(view),
            None if rule.leave is None else rule.leave.verdict(view),
            rule.granted_by,
            playbook.ref,
        )
