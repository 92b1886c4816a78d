"""The difference of two playbooks as text: a table of qualifications, a table of stages, and what is only estimated."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leadlife._base.text_tables import number, percent, text_table

if TYPE_CHECKING:
    from leadlife.batch.counterfactual import WhatIf


def difference_text(found: WhatIf) -> str:
    """Return the difference of two playbooks as tables of text."""
    sides = found.set_aside["side"].to_pylist()
    warning = f"! {len(set(found.set_aside['lead'].to_pylist())):,} leads are left out, because they cannot be replayed"
    lines = [
        *([f"{warning}: {sides.count('a'):,} under a, {sides.count('b'):,} under b"] if sides else []),
        f"{found.a.ref} against {found.b.ref}: {found.leads:,} journeys, {found.won:,} won",
        f"{found.differing.num_rows:,} come out otherwise",
        "",
    ]
    rows = [
        ["qualification", "leads a", "b", "both", "of these won a", "b", "won had it a", "b", "days before a", "b", ""]
    ]
    rows += [
        [
            one.name,
            f"{one.granted_a:,}",
            f"{one.granted_b:,}",
            f"{one.both:,}",
            percent(one.precision_a),
            percent(one.precision_b),
            percent(one.recall_a),
            percent(one.recall_b),
            number(one.days_before_a),
            number(one.days_before_b),
            one.certainty,
        ]
        for one in found.qualifications
    ]
    lines += [text_table(rows), ""] if len(rows) > 1 else ["no qualification is declared", ""]
    stages = [["stage", "team", "entries a", "b", "each week a", "b", "lead-days a", "b", "limits passed a", "b", ""]]
    stages += [
        [
            one.stage,
            one.team,
            f"{one.entries_a:,}",
            f"{one.entries_b:,}",
            number(one.a_week_a),
            number(one.a_week_b),
            number(one.days_a, 0),
            number(one.days_b, 0),
            f"{one.passed_a:,}",
            f"{one.passed_b:,}",
            one.certainty,
        ]
        for one in found.stages
    ]
    lines += [text_table(stages), ""] if len(stages) > 1 else []
    notes = [f"{one.name} is estimated: it rests on {one.why}" for one in found.qualifications if one.why]
    return "\n".join([*lines, *notes]).rstrip()
