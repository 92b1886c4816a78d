"""Ready-made playbooks. They are starting points: edit them before you sign them."""

from __future__ import annotations

from collections.abc import Callable

from leadlife.errors import UnknownName, did_you_mean
from leadlife.playbook.playbook import Playbook
from leadlife.presets.eight_stage import eight_stage
from leadlife.presets.ibm import ibm
from leadlife.presets.mql_pql_sql import mql_pql_sql


def eight_stage_nurture() -> Playbook:
    """Return ``eight_stage`` with programmes, contact rules, handoff, recycling by reason, and a reward."""
    from leadlife.presets import nurture  # noqa: PLC0415 - only who asks for it pays for its models

    return nurture.eight_stage_nurture()


PRESETS: dict[str, Callable[[], Playbook]] = {
    "eight_stage": eight_stage,
    "eight_stage_nurture": eight_stage_nurture,
    "ibm": ibm,
    "mql_pql_sql": mql_pql_sql,
}
"""The function that builds each preset, by the name of the preset."""


def preset(name: str) -> Playbook:
    """Return a preset by its name.

    Raises:
        UnknownName: No preset has this name.
    """
    if name not in PRESETS:
        raise UnknownName(f"there is no preset {name!r}", hint=did_you_mean(name, PRESETS))
    return PRESETS[name]()


__all__ = ["PRESETS", "eight_stage", "eight_stage_nurture", "ibm", "mql_pql_sql", "preset"]
