"""Signing: who signed which rule, and which sign-offs are stale because the rule has changed since."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, NamedTuple, TypeVar

from leadlife.errors import UnknownName, did_you_mean
from leadlife.lifecycle.sign_off import Signable, SignOff, content_digest
from leadlife.playbook.playbook import Playbook

S = TypeVar("S", bound=Signable)


class Clause(NamedTuple):
    """A rule that teams sign.

    Attributes:
        path: Its place, such as ``qualifications.0``.
        name: What it is called: a qualification, a trigger, or ``readiness``.
        rule: The rule.
        digest: A hash of its content, and of the scores that it reads.
    """

    path: str
    name: str
    rule: Signable
    digest: str

    def stale(self) -> tuple[SignOff, ...]:
        """Return the sign-offs that were given for another content."""
        return tuple(one for one in self.rule.signed if one.digest != self.digest)


def clauses(playbook: Playbook) -> Iterator[Clause]:
    """Yield every rule that teams sign: qualifications, readiness, and the moves that have a guard."""
    for place, rule in enumerate(playbook.qualifications):
        yield _clause(playbook, f"qualifications.{place}", rule.name, rule)
    if playbook.readiness is not None:
        yield _clause(playbook, "readiness", "readiness", playbook.readiness)
    for place, move in enumerate(playbook.lifecycle.transitions):
        if move.guard is not None:
            yield _clause(playbook, f"lifecycle.transitions.{place}", move.trigger, move)


def sign(playbook: Playbook, team: str, *names: str, on: date, by: str | None = None) -> Playbook:
    """Return the playbook with a team's sign-off on its rules. Signing changes nothing else.

    >>> from datetime import date
    >>> from leadlife.presets import eight_stage
    >>> signed = sign(eight_stage(), "marketing", "mql", on=date(2026, 3, 2))
    >>> signed.qualification_by_name["mql"].signed[0].team
    'marketing'

    Args:
        playbook: The agreement.
        team: The team that agrees.
        names: Qualifications, triggers, or ``readiness``; none means all of them.
        on: The day.
        by: Who signs for the team.

    Raises:
        UnknownName: There is no such rule.
    """
    known = tuple(clauses(playbook))
    names_known = {clause.name for clause in known}
    for name in names:
        if name not in names_known:
            raise UnknownName(f"there is no rule {name!r} to sign", hint=did_you_mean(str(name), names_known))
    agreed = {
        clause.path: SignOff(team=team, on=on, version=playbook.version, digest=clause.digest, by=by)
        for clause in known
        if not names or clause.name in names
    }

    def signed(path: str, rule: S) -> S:
        return rule.signed_by(agreed[path]) if path in agreed else rule

    moves = playbook.lifecycle.transitions
    return playbook.replace(
        lifecycle=playbook.lifecycle.replace(
            transitions=tuple(signed(f"lifecycle.transitions.{place}", rule) for place, rule in enumerate(moves))
        ),
        qualifications=tuple(
            signed(f"qualifications.{place}", rule) for place, rule in enumerate(playbook.qualifications)
        ),
        readiness=None if playbook.readiness is None else signed("readiness", playbook.readiness),
    )


def _clause(playbook: Playbook, path: str, name: str, rule: Signable) -> Clause:
    return Clause(path, name, rule, content_digest(*_content(playbook, rule)))


def _content(playbook: Playbook, rule: Signable) -> Iterator[Any]:
    plain: Mapping[str, Any] = rule.model_dump(mode="json", exclude={"signed"})
    yield plain
    for name in sorted(_scores_in(plain)):
        yield playbook.score_by_name[name].model_dump(mode="json")


def _scores_in(plain: Any) -> set[str]:
    """Return the scores that a rule's criteria read, however deep."""
    if isinstance(plain, Mapping):
        own = {str(plain["name"])} if plain.get("op") in ("score", "band") and "name" in plain else set[str]()
        return own.union(*map(_scores_in, plain.values()))
    return set[str]().union(*map(_scores_in, plain)) if isinstance(plain, list) else set()
