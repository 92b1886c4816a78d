"""Mautic's points: actions that move the total, and actions bound to a group that move only their group."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from leadlife.errors import InvalidDefinition, did_you_mean
from leadlife.scoring.points import Points
from leadlife.scoring.policy import as_mapping
from leadlife.scoring.rules import ActivityRule, the_rules


def mautic(
    *, actions: Iterable[ActivityRule], bands: Mapping[str, Mapping[str, float]] | None = None, name: str = "points"
) -> tuple[Points, ...]:
    """Return the policies that score as Mautic's points do: the total, then one for each group.

    An action that names a group moves that group alone, not the total. ``at_most=1`` is an action that is not
    repeatable: it counts once per contact. Thresholds are inclusive. Merged contacts add their points up, which
    scoring the activities of both does by itself.

    Args:
        actions: The actions; each may name a group.
        bands: For each policy, by name, its bands; a group's policy is called ``points/group``.
        name: The name of the total.

    Raises:
        InvalidDefinition: An action or a threshold does not hold.
    """
    by_group: dict[str | None, list[ActivityRule]] = {None: []}
    for action in the_rules(actions, ActivityRule):
        by_group.setdefault(action.group, []).append(action.replace(group=None))
    names = {group: name if group is None else f"{name}/{group}" for group in by_group}
    known = as_mapping("bands", bands or {})
    for told in known:
        if told not in names.values():
            raise InvalidDefinition(f"there is no policy {told!r}", hint=did_you_mean(told, names.values()))
    policies: list[Points] = []
    for group, rules in by_group.items():
        own = names[group]
        policies.append(
            Points(
                name=own,
                rules=tuple(rules),
                bands=dict(as_mapping("bands", known.get(own, {}))),
                meaning="as in Mautic",
            )
        )
    return tuple(policies)
