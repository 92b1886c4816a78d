"""Millions of leads: facts as columns, replayed beside one another, scored in SQL, with the numbers of one journey.

Needs the extra ``batch``. Instants in columns are microseconds since 1970, UTC.
"""

from leadlife.errors import MissingExtra

try:
    from leadlife.batch.columns import FACT_SCHEMA, fact_columns, facts_of, instants
    from leadlife.batch.counterfactual import Certainty, WhatIf, what_if
    from leadlife.batch.partitions import write_facts
    from leadlife.batch.replays import Progress, Replayed, replay
    from leadlife.batch.scoring import ScoreTable, score_leads
except ModuleNotFoundError as _missing:
    if _missing.name not in ("duckdb", "narwhals", "numpy", "pyarrow"):
        raise
    raise MissingExtra(f"leadlife.batch needs {_missing.name}", hint="pip install 'leadlife[batch]'") from None

__all__ = [
    "FACT_SCHEMA",
    "Certainty",
    "Progress",
    "Replayed",
    "ScoreTable",
    "WhatIf",
    "fact_columns",
    "facts_of",
    "instants",
    "replay",
    "score_leads",
    "what_if",
    "write_facts",
]
