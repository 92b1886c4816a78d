"""The words that facts use and playbooks declare."""

from __future__ import annotations

from collections.abc import Iterator

from leadlife.facts import (
    ConsentChanged,
    EvidenceGiven,
    Fact,
    QualificationGranted,
    QualificationWithdrawn,
    TouchFailed,
    TouchSent,
)


def words_of(fact: Fact) -> Iterator[tuple[str, str | None]]:
    """Yield the words of a fact that its playbook declares, each with its topic."""
    match fact:
        case ConsentChanged():
            yield "consent", fact.purpose
        case EvidenceGiven():
            yield "evidence", fact.name
        case QualificationGranted() | QualificationWithdrawn():
            yield "qualification", fact.name
        case TouchSent() | TouchFailed():
            yield "channel", fact.channel
            yield "programme", fact.programme
        case _:
            return


def type_words(value: object) -> str:
    """Return the type of a value in words; never the value, which may be personal."""
    return {bool: "a boolean", int: "an integer", float: "a number", str: "text"}.get(type(value), type(value).__name__)
