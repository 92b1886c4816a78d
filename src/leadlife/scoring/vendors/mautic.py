"""The points of Mautic: actions that change the total, and actions of a group that change only their group."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from leadlife.errors import InvalidDefinition, did_you_mean
from leadlife.scoring.point_rules import ActivityRule, the_rules
from leadlife.scoring.points import Points
from leadlife.scoring.policy import as_mapping


def mautic(
    *, actions: Iterable[ActivityRule], bands: Mapping[str, Mapping[str, float]] | None = None, name: str = "points"
) -> tuple[Points, ...]:
    """Return the policies that score as Mautic's points do: the total, then one for each group.

    An action with a group changes that group only, not the total. ``at_most=1`` is an action that is not repeatable: it
    counts once for each contact. Thresholds are inclusive. Mautic adds up the points of merged contacts; scoring the
    activities of both has the same effect.

    Args:
        actions: The actions; each may name a group.
        bands: The bands of each policy, by the name of the policy; that of a group is ``points/group``.
        name: The name of the total.

    Raises:
        InvalidDefinition: An action is not an ActivityRule, or bands are given for a policy that does not exist.
    """
    by_group: dict[str | None, list[ActivityRule]] = {None: []}
    for action in the_rules(actions, ActivityRule):
        by_group.setdefault(action.group, []).append(action.replace(group=None))
    names = {group: name if group is None else f"{name}/{group}" for group in by_group}
    known = as_mapping("bands", bands or {})
    for policy in known:
        if policy not in names.values():
            raise InvalidDefinition(f"there is no policy {policy!r}", hint=did_you_mean(policy, names.values()))
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
