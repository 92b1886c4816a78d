"""The report: one page for a marketing lead and a sales lead, with every figure's meaning at hand.

The page holds everything itself: tables, charts as SVG, styles. It loads nothing and runs no script. Each chart has a
table beside it, each section says what its figures mean, and what the data cannot bear is said in plain words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from leadlife._base.arguments import listed, listed_of
from leadlife._base.text_tables import money, number, percent, shown
from leadlife.analytics import Funnel, funnel
from leadlife.economics.currency import ExchangeRate
from leadlife.economics.entry_cohorts import cohorts
from leadlife.economics.forecasting import forecast
from leadlife.economics.group_returns import Returns, common_playbook, returns
from leadlife.economics.returns_row import ReturnsRow
from leadlife.economics.shelf import shelf_life
from leadlife.economics.spend import Spend, SpendTable, spend_rows
from leadlife.economics.stays import StageModel, stage_model
from leadlife.economics.work_order import worklist
from leadlife.errors import LeadlifeError
from leadlife.journey import Journey
from leadlife.playbook.playbook import Playbook
from leadlife.reports.report_page import Section, Table, page
from leadlife.timing import instant

MOST_ROWS = 20
_RATES = ("leads", "won", "rate", "95 %", "matured", "95 %", "days to won")
_MONEY = ("cost", "per lead", "CAC now", "CAC matured", "revenue", "recovered", "margin", "ROI", "payback")


class _Asked(NamedTuple):
    """What a report is made of."""

    journeys: list[Journey]
    playbook: Playbook
    as_of: datetime
    spend: tuple[Spend, ...]
    by: str
    money: dict[str, Any]
    hours: float


def lead_report(
    journeys: Iterable[Journey],
    *,
    as_of: datetime,
    spend: SpendTable | Iterable[Spend] = (),
    playbook: Playbook | None = None,
    title: str = "Leads",
    label: str = "",
    by: str = "source",
    margin: Decimal | float | str | None = None,
    currency: str | None = None,
    rates: Iterable[ExchangeRate] = (),
    hours: float = 8,
    notes: Iterable[str] = (),
) -> str:
    """Return the report as one HTML page that needs no network.

    Args:
        journeys: The leads.
        as_of: The end of observation.
        spend: What was spent on sources.
        playbook: The playbook with the stages; by default that of the first lead by id.
        title: The title of the page.
        label: A line under it, such as where the data come from.
        by: What groups of leads are compared.
        margin: The share of a sale that is left of it, where the sale does not say.
        currency: The currency; by default the only one that there is.
        rates: What other currencies are worth.
        hours: For how many hours of work the work list is.
        notes: More warnings, such as about reading the data.

    Raises:
        Malformed: An argument cannot be understood, or there is no lead and no playbook.
        MissingExtra: Altair or vl-convert is not there.
    """
    from leadlife.reports import report_charts as charts  # noqa: PLC0415 - only a report pays for it

    until = instant(as_of)
    # Each section asks about the same leads at the same instant, so that no figure knows what another one does not.
    several = [journey.as_of(at=until) for journey in listed_of("journeys", journeys, Journey)]
    book = playbook or common_playbook(several, as_of=until)
    units: dict[str, Any] = {"currency": currency, "rates": tuple(rates)}
    asked = _Asked(several, book, until, spend_rows(spend), by, {**units, "margin": margin}, hours)
    counted = funnel(several, book, as_of=until)
    model = stage_model(several, as_of=until)
    earned = returns(several, asked.spend, as_of=until, by=by, playbook=book, margin=margin, **units)
    sections = [
        _funnel(counted, charts),
        _stays(model, charts),
        _shown("Cohorts", lambda: _cohorts(asked, charts)),
        _returns(earned, charts),
        _shown("Shelf life of spend", lambda: _shelf(asked, charts)),
        _shown("Forecast", lambda: _forecast(asked, charts)),
        _shown("Work list", lambda: _worklist(asked)),
    ]
    found = (one.message for one in (*counted.warnings, *earned.warnings))
    warnings = dict.fromkeys((*listed("notes", notes), *found))
    under = f"As of {until:%Y-%m-%d %H:%M} UTC." + (f" {label[:1].upper()}{label[1:]}." if label else "")
    return page(title, under, list(_in_short(counted, earned)), sections, list(warnings))


def _shown(title: str, make: Callable[[], Section]) -> Section:
    """Return a section, or why it cannot be shown."""
    # What one section needs, others may not: a margin that nobody stated must not cost the reader the whole page.
    try:
        return make()
    except LeadlifeError as error:
        return Section(title, "", note=f"Not shown: {error}")


def _in_short(counted: Funnel, earned: Returns) -> Iterator[str]:
    """Yield what to know first, in plain words."""
    total = earned.total
    yield f"{total.leads:,} leads came, and {total.won:,} of them are won so far ({percent(total.rate)})."
    young = total.matured_rate is not None and total.rate is not None and total.matured_rate > total.rate * 1.02
    if young and total.matured_days is not None:
        yield (
            f"Many of them are young. After {total.matured_days} days, {percent(total.matured_rate)} of leads are won, "
            f"between {percent(total.matured_low)} and {percent(total.matured_high)}: compare with this rate, not with "
            "the one above."
        )
    if counted.total.days_to_won.q50 is not None:
        yield f"Half of the won leads took at most {counted.total.days_to_won.q50:g} days."
    if total.revenue:
        recovered = f", {money(total.recovered)} of it after recycling" if total.recovered else ""
        yield f"They brought {money(total.revenue)} {earned.currency or ''}{recovered}."
    known = [row for row in earned.rows if row.cac_matured]
    if known:
        best = min(known, key=lambda row: row.cac_matured or Decimal(0))
        price = f"{money(best.cac_matured)} {earned.currency or ''}"
        now = f"({money(best.cac_now)} now)"
        yield f"A customer is cheapest from {shown(best.key)}: {price} once its leads are mature {now}."
    elif total.unknown.get("cost"):
        yield "What a customer costs is not known for all sources: pass the spend of each source, even where it is 0."


def _funnel(found: Funnel, charts: Any) -> Section:
    total = found.total
    rows = [
        [stage, f"{count:,}", percent(count / total.leads if total.leads else None)]
        for stage, count in total.reached.items()
    ]
    won = f"{total.won:,} won" + ("" if total.low is None else f", {percent(total.low)} to {percent(total.high)}")
    return Section(
        "Funnel",
        f"How many of {total.leads:,} leads ever reached each stage; {won}.",
        charts.svg(charts.funnel_chart(found)),
        [Table(["stage", "leads", "of all"], rows)],
        [
            ("leads", "distinct leads that were ever in the stage; a lead counts once, however often it was there"),
            ("of all", "their share of all leads that entered; open leads may still come"),
            ("interval", "95 %, after Wilson"),
        ],
    )


def _stays(model: StageModel, charts: Any) -> Section:
    rows = [
        [
            one.stage,
            f"{one.stays:,}",
            f"{one.running:,}",
            number(one.mean_days),
            ", ".join(f"{name} {percent(share)}" for name, share in sorted(one.moves.items(), key=_largest)),
            percent(one.unresolved) if one.moves else "-",
        ]
        for one in model.stages
    ]
    return Section(
        "Time in stage",
        "How long leads stay in a stage, and where they go next.",
        charts.svg(charts.stays_chart(model)) if any(one.moves for one in model.stages) else "",
        [Table(["stage", "stays", "running", "mean days", "next", "unresolved"], rows)],
        [
            ("mean days", "the mean stay, running ones included, cut off at the longest stay"),
            ("next", "the chance of each next stage; running stays count as not decided, not as staying for ever"),
            ("unresolved", "the share of which no stay so far shows what comes next"),
        ],
    )


def _largest(pair: tuple[str, float]) -> tuple[float, str]:
    return -pair[1], pair[0]


def _cohorts(asked: _Asked, charts: Any) -> Section:
    found = cohorts(asked.journeys, as_of=asked.as_of, playbook=asked.playbook)
    rows = [
        [
            f"{one.month:%Y-%m}",
            f"{one.leads:,}",
            f"{one.won:,}",
            percent(one.rate),
            f"{percent(one.low)} to {percent(one.high)}",
            percent(one.developed),
            number(one.matured_won),
        ]
        for one in found
    ]
    return Section(
        "Cohorts",
        "Leads by the month in which they came: what they have brought, and what is still to come.",
        charts.svg(charts.cohort_chart(found)),
        [Table(["month", "leads", "won", "rate", "95 %", "developed", "won in the end"], rows)],
        [
            ("developed", "which share of their wins leads of that age have had, as all leads together show it"),
            ("won in the end", "wins so far, and for the rest the rate of all leads (Bornhuetter and Ferguson)"),
        ],
    )


def _returns(found: Returns, charts: Any) -> Section:
    by, unit = found.by.replace("_", " "), f" in {found.currency}" if found.currency else ""
    groups = [*found.rows[:MOST_ROWS], found.total]
    notes = []
    if len(found.rows) > MOST_ROWS:
        notes.append(f"{len(found.rows) - MOST_ROWS} smaller groups are in the total only.")
    if found.unassigned:
        notes.append(f"{money(found.unassigned)} of the cost belongs to no group.")
    reasons = [found.total.unknown[name] for name in ("cost", "margin") if name in found.total.unknown]
    if reasons:
        notes.append(f"A dash means unknown: {'; '.join(reasons)}.")
    return Section(
        f"Returns by {by}",
        f"What each group cost and earned{unit}.",
        charts.svg(charts.returns_chart(found)) if any(row.leads for row in found.rows) else "",
        [
            Table([by, *_RATES], [_rates(row) for row in groups]),
            *([Table([by, *_MONEY], [_money(row) for row in groups])] if found.currency else []),
        ],
        [
            ("rate", "won leads over all leads, as it stands: too low while leads are young"),
            ("matured", "the share that is won by the age that ten leads reached, or all of fewer (Aalen-Johansen)"),
            ("days to won", "the median of won leads"),
            ("CAC", "the cost of one customer: cost over won leads so far, and over those won in the end (Cape Cod)"),
            ("recovered", "revenue from cycles that began out of recycling"),
            ("ROI", "margin less cost, over cost"),
            ("payback", "the age of the leads at which their margin had paid back the cost"),
        ],
        " ".join(notes),
    )


def _between(low: float | None, high: float | None) -> str:
    return "-" if low is None or high is None else f"{percent(low)} to {percent(high)}"


def _rates(row: ReturnsRow) -> list[str]:
    return [
        shown(row.key),
        f"{row.leads:,}",
        f"{row.won:,}",
        percent(row.rate),
        _between(row.low, row.high),
        percent(row.matured_rate),
        _between(row.matured_low, row.matured_high),
        number(row.days_to_won[1], 0),
    ]


def _money(row: ReturnsRow) -> list[str]:
    return [
        shown(row.key),
        money(row.cost),
        money(row.cost_per_lead),
        money(row.cac_now),
        money(row.cac_matured),
        money(row.revenue),
        money(row.recovered),
        money(row.margin),
        percent(row.roi),
        "-" if row.payback_days is None else f"{row.payback_days} d",
    ]


def _shelf(asked: _Asked, charts: Any) -> Section:
    if not asked.spend:
        return Section("Shelf life of spend", "", note="Not shown: no spend was given.")
    found = shelf_life(asked.journeys, asked.spend, as_of=asked.as_of, playbook=asked.playbook, **asked.money)
    rows = [
        [
            "all spend" if found.by is None else shown(one.key),
            money(one.spend),
            money(one.seen),
            number(one.to_come, 2),
            f"{number(one.low, 0)} to {number(one.high, 0)}",
            *("-" if days is None else f"{days} d" for days in (one.half_days, one.ninety_days, one.payback_days)),
        ]
        for one in found.curves
    ]
    ages = [
        [f"{one.days} d", money(one.spend), number(one.earned, 2), f"{number(one.low, 2)} to {number(one.high, 2)}"]
        for curve in found.curves[:1]
        for one in curve.points
    ]
    unit = found.currency or "unit"
    return Section(
        "Shelf life of spend",
        f"How much margin one {unit} of spend earns by its age; above the dashed line it is paid back.",
        charts.svg(charts.shelf_chart(found)),
        [
            Table(["spend", "amount", "margin seen", "to come", "95 %", "half by", "90 % by", "paid back"], rows),
            Table(["age", "spend of that age", f"margin per {unit}", "95 %"], ages),
        ],
        [
            ("to come", "what spend that is younger has still to earn, within the ages that were reached"),
            (f"margin per {unit}", "the margin that one unit of spend has earned by that age"),
            ("95 %", "by drawing the leads anew"),
        ],
    )


def _forecast(asked: _Asked, charts: Any) -> Section:
    units = {name: value for name, value in asked.money.items() if name != "margin"}
    found = forecast(asked.journeys, as_of=asked.as_of, samples=12, **units)
    rows = [
        [
            f"{one.since:%Y-%m-%d}",
            f"{one.until:%Y-%m-%d}",
            number(one.won.mean),
            f"{one.won.low:.0f} to {one.won.high:.0f}",
            "-" if one.revenue is None else number(one.revenue.mean, 0),
            "-" if one.revenue is None else f"{number(one.revenue.low, 0)} to {number(one.revenue.high, 0)}",
        ]
        for one in found.periods
    ]
    beyond = (
        f"{found.beyond:,} leads have stayed longer than any stay shows, and count as not won." if found.beyond else ""
    )
    return Section(
        "Forecast",
        f"What the {found.leads:,} leads that are known will bring; new leads are not part of it.",
        charts.svg(charts.forecast_chart(found)),
        [Table(["from", "to", "won", "90 %", f"revenue {found.currency or ''}".strip(), "90 %"], rows)],
        [
            ("won", "how many of the known leads are won in the period, by stage and how long they have been there"),
            ("90 %", "in nine of ten cases it lies in between: by chance, and because the model is not known exactly"),
        ],
        beyond,
    )


def _worklist(asked: _Asked) -> Section:
    found = worklist(asked.journeys, at=asked.as_of, hours=asked.hours, **asked.money)
    rows = [
        [str(place), shown(one.lead), one.stage, one.why] for place, one in enumerate(found.items[:MOST_ROWS], start=1)
    ]
    assumed = f" The figures of {', '.join(found.assumed)} are assumed, not measured." if found.assumed else ""
    return Section(
        "Work list",
        f"Who deserves the next {found.hours:g} hours; {found.left_out:,} more open leads get no time in them.",
        "",
        [Table(["", "lead", "stage", "why"], rows)],
        [
            ("order", "deadlines first, then the margin expected for each hour of work, and what waiting loses"),
            ("drawn by chance", "a share of the hours tests what is believed of the others"),
        ],
        assumed.strip(),
    )
