"""The board: stages as columns, and a page for each lead. Rendered here, escaped, and without any script."""

from collections.abc import Iterable
from datetime import datetime
from html import escape
from typing import Any
from urllib.parse import quote

from fastapi.responses import HTMLResponse

from leadlife import Actor, Journey
from leadlife.stores import LeadState, SqlStore

STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 0; background: #f4f5f7; color: #1c2430 }
header { background: #1c2430; color: #fff; padding: 12px 20px } header a { color: #fff }
main { padding: 16px 20px } .columns { display: flex; gap: 12px; align-items: flex-start; overflow-x: auto }
.column { background: #e7eaee; border-radius: 8px; padding: 8px; flex: 0 0 190px }
.column h2 { font-size: 14px; margin: 4px 4px 8px; display: flex; justify-content: space-between }
.card { background: #fff; border-radius: 6px; padding: 8px 10px; margin-bottom: 8px; box-shadow: 0 1px 2px #0002;
  overflow-wrap: anywhere } .card a { color: inherit; font-weight: 600; text-decoration: none }
.small { color: #5b6675; font-size: 13px } .hot { color: #b3261e } .warm { color: #8a5a00 } .cold { color: #40618a }
table { border-collapse: collapse; background: #fff; border-radius: 6px; margin: 6px 0 18px; width: 100%;
  max-width: 1000px }
td, th { text-align: left; padding: 6px 10px; border-bottom: 1px solid #e7eaee; vertical-align: top;
  overflow-wrap: anywhere }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums }
.yes { color: #11643a } .no { color: #5b6675 }
"""
MOST_CARDS = 25
SAFE = {
    # Nothing may be loaded or run, whatever a note says.
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


def page(store: SqlStore, now: datetime) -> HTMLResponse:
    """Return the board."""
    counts, columns = store.count(), []
    for stage in store.playbooks[0].lifecycle.stages:
        number = counts.get(("main", stage.id), 0)
        cards = "".join(map(_card, store.find(pipeline="main", stage=stage.id, limit=MOST_CARDS)))
        more = f'<p class="small">and {number - MOST_CARDS} more</p>' if number > MOST_CARDS else ""
        title = f"<h2><span>{escape(stage.label or stage.id)}</span><span>{number}</span></h2>"
        columns.append(f'<section class="column" data-stage="{escape(stage.id)}">{title}{cards}{more}</section>')
    due = len(store.find(due_by=now, limit=500))
    waiting = f"{due} waiting for the sweep" if due else "nothing is due"
    return _html("Board", f'<p class="small">{waiting}</p><div class="columns">{"".join(columns)}</div>')


def _card(state: LeadState) -> str:
    bands = "".join(
        f'<div class="{escape(score.band or "")}">{escape(name)} {escape(score.band or "-")}</div>'
        for name, score in state.scores.items()
    )
    held = ", ".join(state.qualifications)
    wake = "" if state.wake_at is None else f'<div class="small">next change {state.wake_at:%d %b %H:%M}</div>'
    owner = "" if state.owner is None else f"{escape(state.owner)}; "
    return (
        f'<div class="card"><a href="/board/{quote(state.lead, safe="")}">{escape(state.lead)}</a>{bands}'
        f'<div class="small">{owner}{escape(held) or "no qualification"}</div>{wake}</div>'
    )


def lead_page(store: SqlStore, lead: str, now: datetime, user: Actor) -> HTMLResponse:
    """Return the page of a lead."""
    state, journey = store.state(lead), store.load(lead)
    facts = [("stage", state.stage), ("status", state.status), ("owner", state.owner or "nobody")]
    facts += [("holds", ", ".join(state.qualifications) or "nothing")]
    facts += [(name, value) for name, value in journey.fields.items()]
    if state.erased_at is not None:
        facts.append(("erased", f"{state.erased_at:%d %b %Y %H:%M} UTC"))
    timeline = [(f"{line.at:%d %b %Y %H:%M}", line.text, line.by, line.criterion or "") for line in journey.explain()]
    parts = [
        _table("Lead", ("what", "is"), facts),
        "" if state.erased_at is not None else _buttons(buttons_of(journey, now, user), user),
        *(_ledger(journey, name, now) for name in state.scores),
        _table("Timeline", ("when (UTC)", "what", "by", "because"), timeline),
    ]
    return _html(lead, "".join(parts))


def buttons_of(journey: Journey, now: datetime, user: Actor) -> list[dict[str, Any]]:
    """Return what may be fired, and if not, why not."""
    return [
        {
            "trigger": option.trigger,
            "allowed": option.allowed,
            "target": option.target,
            "needs": list(option.needs),
            "reasons": list(option.reasons),
            "refusals": [refusal.to_dict() for refusal in option.refusals],
        }
        for option in journey.options(at=now, by=user)
    ]


def _buttons(buttons: list[dict[str, Any]], user: Actor) -> str:
    rows = [
        (
            one["trigger"],
            one["target"] or "",
            "allowed" if one["allowed"] else "; ".join(refusal["message"] for refusal in one["refusals"]),
        )
        for one in buttons
    ]
    return _table(f"What {user.id} may do", ("move", "to", ""), rows)


def _ledger(journey: Journey, name: str, now: datetime) -> str:
    score = journey.score(name, at=now)
    rows = [(line.rule, line.reason, f"{line.micropoints / 1e6:.2f}") for line in score.lines]
    rows.append(("total", score.band or "", f"{score.value:.2f}"))
    return _table(f"Score {name}", ("rule", "why", "points"), rows, number=2)


def _table(title: str, heads: tuple[str, ...], rows: Iterable[tuple[Any, ...]], *, number: int = -1) -> str:
    def cell(tag: str, place: int, value: Any) -> str:
        kind = ' class="number"' if place == number else ""
        return f"<{tag}{kind}>{escape(str(value))}</{tag}>"

    head = "".join(cell("th", place, one) for place, one in enumerate(heads))
    body = "".join(f"<tr>{''.join(cell('td', *one) for one in enumerate(row))}</tr>" for row in rows)
    return f"<h2>{escape(title)}</h2><table><tr>{head}</tr>{body}</table>"


def _html(title: str, body: str) -> HTMLResponse:
    text = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title><style>{STYLE}</style>'
        f'<header><a href="/board">A small CRM</a></header><main><h1>{escape(title)}</h1>{body}</main></html>'
    )
    return HTMLResponse(text, headers=SAFE)
