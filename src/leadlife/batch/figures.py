"""Figures of many leads as SQL over the tables of a replay: stages, the funnel, time in stage, cohorts of entry.

A lead counts once, however many journeys it has, as in ``leadlife.analytics.funnel``. A stage that automatic moves
led in and out of at one instant was not reached. Every function takes a ``Replayed`` with the tables ``visits``
and, where wins are counted, ``cycles`` and ``leads``; the tables may be larger than memory.
"""

from __future__ import annotations

import duckdb
import pyarrow as pa

from leadlife._base.arguments import expect
from leadlife.batch.replays import Replayed
from leadlife.batch.rows import micros
from leadlife.errors import Malformed
from leadlife.timing import zone_named

DAY = 86_400_000_000
WON = """
    won AS (
        SELECT lead, min(at_us) AS won_at FROM (
            SELECT lead, ended AS at_us FROM cycles{side} WHERE outcome = 'won'
            UNION ALL
            SELECT lead, entered FROM (
                SELECT *, lead(kind) OVER (PARTITION BY lead, pipeline ORDER BY visit) AS left_by FROM visits{side}
            ) WHERE status = 'won' AND cycle IS NULL AND left_by IS DISTINCT FROM 'reopen'
        ) GROUP BY lead
    )"""
"""When the first win of a lead was that stands; ``side`` is what follows the names of the tables."""
_LEADS = f"""{WON.format(side="")},
    ever AS (SELECT DISTINCT lead FROM visits WHERE status = 'won' UNION SELECT lead FROM won),
    entered AS (SELECT lead, min(entered) AS entered FROM visits GROUP BY lead)"""
"""Besides, who was ever won, and when each lead entered."""


def stage_counts(come: Replayed) -> pa.Table:
    """Return for each stage how many leads are in it, were ever in it, and how many visits it had.

    A lead with journeys in two pipelines is in two stages, if they differ.
    """
    return _asked(
        come,
        """
        SELECT stage, count(DISTINCT lead) FILTER (WHERE ended IS NULL) AS leads_now,
            count(DISTINCT lead) FILTER (WHERE NOT passed) AS leads_ever, count(*) AS visits
        FROM visits GROUP BY stage ORDER BY leads_ever DESC, stage""",
        "visits",
    )


def funnel(come: Replayed) -> pa.Table:
    """Return one row with the leads that entered, those won, and the share of them: a win that stands counts once."""
    return _asked(
        come,
        f"""
        WITH {_LEADS}
        SELECT count(*) AS leads, count(won_at) AS won_standing, count(ever.lead) AS won_ever,
            count(won_at) / nullif(count(*), 0) AS rate
        FROM entered LEFT JOIN won USING (lead) LEFT JOIN ever USING (lead)""",
        "visits",
        "cycles",
    )


def time_in_stage(come: Replayed) -> pa.Table:
    """Return how long visits of each stage last, in days: of those that ended the quartiles, of all of them the sum.

    Visits that last still count up to the instant of the replay; without one, to each lead's own latest fact. Their
    number stands beside: where it is large, the quartiles are of the quick ones.
    """
    until = "t.as_of" if come.as_of is None else str(micros(come.as_of))
    return _asked(
        come,
        f"""
        SELECT v.stage, count(*) AS visits, count(*) FILTER (WHERE v.ended IS NULL) AS lasting,
            {", ".join(_quartile(share) for share in (25, 50, 75))},
            sum(coalesce(v.ended, {until}) - v.entered) / {DAY} AS days
        FROM visits AS v JOIN leads AS t USING (lead, pipeline) WHERE NOT v.passed GROUP BY v.stage ORDER BY v.stage""",
        "visits",
        "leads",
    )


def _quartile(share: int) -> str:
    ended = "FILTER (WHERE v.ended IS NOT NULL)"
    return f"quantile_cont((v.ended - v.entered) / {DAY}, {share / 100}) {ended} AS q{share}"


def cohorts(come: Replayed, *, every: str = "month", zone: str = "UTC", within: int | None = None) -> pa.Table:
    """Return the leads of each month, quarter, week or year of entry, and how many of them were won.

    Args:
        come: The replay.
        every: ``week``, ``month``, ``quarter`` or ``year``.
        zone: Whose calendar.
        within: Count only wins within so many times 24 hours after entry. A cohort whose youngest lead has not had
            that long is marked as not complete.

    Raises:
        Malformed: The period or the zone is unknown.
    """
    if every not in ("week", "month", "quarter", "year"):
        raise Malformed(f"there is no period {every!r}", hint="give week, month, quarter or year")
    if within is not None and (type(within) is not int or within < 0):
        raise Malformed("within must be a whole number of days", hint="give within=30")
    if not isinstance(zone, str):
        raise Malformed("a zone is a text", hint='give zone="Europe/Berlin"')
    key = zone_named(zone).key
    limit = "TRUE" if within is None else f"won_at - entered <= {int(within) * DAY}"
    last = "(SELECT max(as_of) FROM leads)" if come.as_of is None else str(micros(come.as_of))
    return _asked(
        come,
        f"""
        WITH {_LEADS}
        SELECT CAST(date_trunc('{every}', timezone('{key}', make_timestamptz(entered))) AS DATE) AS cohort,
            count(*) AS leads, count(*) FILTER (WHERE won_at IS NOT NULL AND {limit}) AS won,
            max(entered) + {int(within or 0) * DAY} <= {last} AS complete
        FROM entered LEFT JOIN won USING (lead) GROUP BY cohort ORDER BY cohort""",
        "visits",
        "cycles",
        "leads",
    )


def _asked(come: Replayed, query: str, *tables: str) -> pa.Table:
    expect("the first argument", come, Replayed, hint="pass what replay(facts, playbook, out=...) returned")
    with duckdb.connect() as connection:
        for name in tables:
            connection.register(name, come.dataset(name))
        return connection.sql(query).to_arrow_table()
