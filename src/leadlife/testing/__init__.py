"""Test tools: strategies for playbooks, facts, journeys, leads and policies, and checks of your own definitions.

It needs ``hypothesis``: ``pip install leadlife[testing]``.
"""

from __future__ import annotations

from typing import Any

from leadlife._base.lazy import lazily
from leadlife.errors import MissingExtra

_HOMES = {
    "activities": "leadlife.testing.scoring_strategies",
    "at_times": "leadlife.testing.strategies",
    "check_playbook": "leadlife.testing.playbook",
    "check_policy": "leadlife.testing.contract",
    "check_store": "leadlife.testing.store",
    "fact_drafts": "leadlife.testing.strategies",
    "histories": "leadlife.testing.strategies",
    "leads": "leadlife.testing.scoring_strategies",
    "lifecycles": "leadlife.testing.strategies",
    "playbooks": "leadlife.testing.strategies",
    "points_policies": "leadlife.testing.scoring_strategies",
    "policies": "leadlife.testing.scoring_strategies",
    "questions": "leadlife.testing.scoring_strategies",
    "walks": "leadlife.testing.playbook",
}

__all__ = list(_HOMES)

_find, __dir__ = lazily(__name__, _HOMES)


def __getattr__(name: str) -> Any:
    try:
        return _find(name)
    except ModuleNotFoundError as error:
        if error.name != "hypothesis":
            raise
        raise MissingExtra("leadlife.testing needs hypothesis", hint="pip install 'leadlife[testing]'") from None
