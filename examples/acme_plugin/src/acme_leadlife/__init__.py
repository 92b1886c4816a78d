"""What Acme's CRM brings to leadlife: a policy, a preset and a reader. Acme is made up."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

from leadlife import Activity, Lead, Playbook, QualificationRule
from leadlife.criteria import score
from leadlife.io import Export, load_mapping, read_export
from leadlife.presets import mql_pql_sql
from leadlife.scoring import CustomPolicy

MONTH = timedelta(days=30)


class _Intent:
    """How many different things a lead did within 30 days, and whether one of them was asking for a demo."""

    name = "acme_intent"
    version = "2"

    def score(self, lead: Lead, activities: Sequence[Activity], *, at: datetime) -> dict[str, float]:
        """Return points by reason."""
        recent = {one.kind for one in activities if one.at <= at < one.at + MONTH}
        return {"kinds of activity": 10.0 * len(recent), "asked for a demo": 25.0 * ("demo_request" in recent)}


intent = _Intent()


@cache
def funnel() -> Playbook:
    """Return Acme's funnel: the one of tests, whose MQL looks at Acme's own score."""
    own = QualificationRule(
        name="mql",
        label="marketing qualified, as Acme has it",
        team="marketing",
        enter=score("acme_intent") >= 40,
        leave=score("acme_intent") < 10,
        granted_by=("marketing",),
    )
    return (
        mql_pql_sql().with_score(CustomPolicy.of(intent)).with_qualifications(own, version="acme 1").replace(id="acme")
    )


def read(source: Path) -> Export:
    """Return an export of Acme's CRM: the folder with its tables, which a mapping beside this file explains."""
    return read_export(load_mapping(Path(__file__).with_name("acme.toml")), source)
