"""The SQL of scores: from facts as columns to a row for each lead and policy. The same text runs on DuckDB and Spark.

Three small tables are joined with the facts. ``term_rule`` says which kinds of activity count for which sum, and how;
``term_match`` which attributes match, where a rule asks for some; ``field_verdict`` what each criterion answers for
each value of its field. The columns ``at`` and ``key`` are called ``at_us`` and ``own_key`` here, because their own
names are words of SQL.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from leadlife.batch.closed_forms import ClosedForms, Form, Term
from leadlife.batch.dialects import Dialect
from leadlife.batch.rows import FIRST, LAST, value_of
from leadlife.facts import LOG_ACTS
from leadlife.scoring.policy import Policy

SPECIAL = ("merged", "unmerged", "erased")
"""Kinds of facts that change which other facts count: a lead that has one is folded."""
IS_NEW = "(seq IS NULL OR id IS NULL)"
"""Whether nobody has recorded a fact yet; then it is recorded after the others, in order of time and content."""
_WHO = "lead, pipeline"
_LOG_ACTS = tuple(str(one.model_fields["type"].default) for one in LOG_ACTS)
"""Kinds of facts that say something of other facts, and nothing of the lead."""


def standing(facts: str) -> str:
    """Return a query for the facts that stand: the first under each key, and none that was retracted.

    A retraction names an id or a key, whatever its own instant, and cannot be retracted itself.
    """
    return f"""
        WITH numbered AS (
            SELECT *, row_number() OVER (
                PARTITION BY lead, pipeline, coalesce(own_key, id) ORDER BY coalesce(recorded_at, at_us), seq, id
            ) AS place FROM {facts}
        ),
        recorded AS (SELECT * FROM numbered WHERE place = 1 OR coalesce(own_key, id) IS NULL),
        gone AS (SELECT DISTINCT lead AS of_lead, pipeline AS of_pipeline, name AS target
            FROM recorded WHERE kind = 'retracted')
        SELECT {_WHO}, kind, at_us, recorded_at, seq, id, own_key, name, value, payload FROM recorded
            LEFT JOIN gone AS one ON lead = one.of_lead AND pipeline = one.of_pipeline AND id = one.target
            LEFT JOIN gone AS other ON lead = other.of_lead AND pipeline = other.of_pipeline
                AND coalesce(own_key, id) = other.target
        WHERE (one.target IS NULL AND other.target IS NULL) OR kind = 'retracted'"""


def latest_fields(facts: str, fields: Iterable[str], at: int, dialect: Dialect) -> str:
    """Return a query for the latest value of each field, in the order of the fold; NULL where it was cleared."""
    return f"""
        SELECT {_WHO}, name, coalesce(value, 'null') AS value FROM (
            SELECT {_WHO}, name, value, row_number() OVER (
                PARTITION BY {_WHO}, name ORDER BY at_us DESC, CASE WHEN {IS_NEW} THEN {LAST} ELSE seq END DESC,
                CASE WHEN {IS_NEW} THEN '' ELSE id END DESC, coalesce(value, '') DESC
            ) AS place FROM {facts}
            WHERE kind = 'attribute' AND name IN ({listed(fields, dialect)}) AND at_us <= {at}
        ) WHERE place = 1"""


def attributes_seen(facts: str, term: Term, at: int, dialect: Dialect) -> str:
    """Return a query for the distinct payloads of the activities that a sum is about."""
    return f"""
        SELECT DISTINCT name, coalesce(payload, '') AS payload FROM {facts}
        WHERE kind = 'activity' AND name IN ({listed(term.kinds, dialect)}) AND at_us <= {at}"""


class TermRule(NamedTuple):
    """One kind of activity in one sum: what it is worth, its half-life, after when it counts, and if it is tested."""

    term: int
    kind: str
    size: int
    half_life: float | None
    after: int
    tested: bool


def term_rules(terms: Iterable[Term], at: int) -> list[TermRule]:
    """Return the rows of ``term_rule``. A kind that a rule names twice counts twice, as in a ledger."""
    return [
        TermRule(
            place,
            kind,
            term.size,
            None if term.half_life is None else float(term.half_life),
            FIRST - 1 if term.window is None else at - term.window,
            term.matches is not None,
        )
        for place, term in enumerate(terms)
        for kind in term.kinds
    ]


def scores(
    facts: str,
    forms: ClosedForms,
    policies: Iterable[tuple[Policy, Form]],
    *,
    at: int,
    dialect: Dialect,
    suffix: str = "",
) -> str:
    """Return the query for the scores.

    Args:
        facts: The name of the table of the facts that stand. What ``latest_fields`` asks for is named ``latest``.
        forms: The terms and verdicts.
        policies: The policies with their forms.
        at: The instant, in microseconds.
        dialect: The SQL to write.
        suffix: What stands behind the names of the small tables, and of ``latest``.
    """
    # One pass over the facts: each activity is weighed once for each sum that it counts for, and all sums are filters.
    sums = [_sum(place, term, dialect) for place, term in enumerate(forms.terms)]
    # The join on attributes costs most, so it is written only where a rule asks for some.
    tested = any(term.matches is not None for term in forms.terms)
    on = "m.term = r.term AND m.name = f.name AND m.payload = coalesce(f.payload, '')"
    match = f"LEFT JOIN term_match{suffix} AS m ON {on}" if tested else ""
    counts = "CASE WHEN NOT r.tested OR m.term IS NOT NULL THEN r.term END" if tested else "r.term"
    verdicts = [_verdict(place) for place in range(len(forms.verdicts))]
    codes = ", ".join([_WHO, *(code for code, _ in verdicts)])
    said = f"""
        said AS (SELECT {codes} FROM latest{suffix}
            JOIN field_verdict{suffix} AS w ON name = w.field AND value = w.value_of GROUP BY {_WHO}),"""
    missing = [verdict.answer(None) for verdict in forms.verdicts]
    answers = "".join(f", {read.format(missing=one)}" for (_, read), one in zip(verdicts, missing, strict=True))
    join = f"LEFT JOIN said USING ({_WHO})" if verdicts else ""
    asked = "\n        UNION ALL ".join(_select(policy, form, dialect) for policy, form in policies)
    return f"""
        WITH worth AS (
            SELECT f.lead, f.pipeline, f.kind = 'identified' AS says_who, {counts} AS term,
                CAST(floor(r.size * CASE WHEN r.half_life IS NULL THEN CAST(1 AS DOUBLE)
                    ELSE power(CAST(2 AS DOUBLE), CAST(f.at_us - {at} AS DOUBLE) / r.half_life) END
                    + CAST(0.5 AS DOUBLE)) AS BIGINT) AS size
            FROM {facts} AS f LEFT JOIN term_rule{suffix} AS r
                ON f.kind = 'activity' AND f.name = r.kind AND f.at_us > r.after
                {match}
            WHERE f.at_us <= {at} AND f.kind NOT IN ({listed(_LOG_ACTS, dialect)})
        ),
        summed AS (SELECT {", ".join([_WHO, "bool_or(says_who) AS identified", *sums])} FROM worth GROUP BY {_WHO}),
        {said if verdicts else ""}
        known AS (SELECT summed.*{answers} FROM summed {join})
        {asked}"""


def _sum(place: int, term: Term, dialect: Dialect) -> str:
    where = f"term = {place}"
    if term.at_most is None:
        total = f"sum(size) FILTER (WHERE {where})"
    else:
        total = dialect.top.format(value="size", where=where, most=term.at_most)
    return f"CAST(coalesce({total}, 0) AS BIGINT) AS t{place}"


def _verdict(place: int) -> tuple[str, str]:
    """Return how the code of a verdict is found, and how it is read."""
    code = f"max(w.code) FILTER (WHERE w.place = {place}) AS c{place}"
    return code, f"CASE coalesce(c{place}, {{missing}}) WHEN 1 THEN TRUE WHEN 0 THEN FALSE END AS v{place}"


def _select(policy: Policy, form: Form, dialect: Dialect) -> str:
    name, version = dialect.text(policy.name), dialect.text(policy.version)
    points = f"CASE WHEN {form.excluded} THEN NULL ELSE CAST({form.value} AS BIGINT) END"
    return f"""SELECT {_WHO}, {name} AS policy, {version} AS version, {points} AS micropoints,
            CAST({points} AS DOUBLE) / 1000000 AS value,
            CASE WHEN {form.excluded} THEN NULL ELSE {form.band} END AS band,
            CASE WHEN {form.excluded} THEN {form.why} END AS why
        FROM known"""


def verdict_rows(forms: ClosedForms, seen: Iterable[tuple[str, str]]) -> list[tuple[int, str, str, int]]:
    """Return the rows of ``field_verdict``: place, field, value as JSON, and the code of the answer.

    Args:
        forms: The verdicts.
        seen: Each field with each value that it has, as JSON.
    """
    return [
        (place, field, value, verdict.answer(value_of(value)))
        for field, value in seen
        for place, verdict in enumerate(forms.verdicts)
        if verdict.field == field
    ]


def listed(words: Iterable[str], dialect: Dialect) -> str:
    """Return words as a list of SQL texts."""
    return ", ".join(dialect.text(word) for word in sorted(set(words)))
