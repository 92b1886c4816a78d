"""Plugins: policies, presets and readers of other packages, found by entry points and loaded by name.

Nothing is loaded before somebody asks for it by its name. A package declares what it brings in its ``pyproject.toml``::

    [project.entry-points."leadlife.policies"]
    acme_intent = "acme_leadlife:intent"
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from enum import StrEnum
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any, NamedTuple

from leadlife.errors import LeadlifeError, PluginError, PolicyError, UnknownName, did_you_mean
from leadlife.playbook.playbook import Playbook
from leadlife.presets import PRESETS

if TYPE_CHECKING:
    from leadlife.scoring import Policy


class PluginGroup(StrEnum):
    """What a package may bring."""

    POLICIES = "leadlife.policies"
    """A policy that is data, a named function ``(lead, activities, *, at)``, or an object that scores."""
    PRESETS = "leadlife.presets"
    """A function without arguments that returns a playbook."""
    READERS = "leadlife.readers"
    """A function that takes the path of a source and returns an ``Export``."""


class Plugin(NamedTuple):
    """Something that a package brings; not loaded yet.

    Attributes:
        group: What it is.
        name: What it is asked for by.
        package: The package that brings it.
        version: The version of the package.
        target: The module and the name in it.
    """

    group: PluginGroup
    name: str
    package: str
    version: str
    target: str

    def __str__(self) -> str:
        return f"{self.group.value.partition('.')[2]} {self.name} ({self.package} {self.version}: {self.target})"

    def load(self) -> Any:
        """Return what it is, imported now.

        Raises:
            PluginError: Its module cannot be imported, or has no such name.
        """
        try:
            return EntryPoint(self.name, self.target, self.group.value).load()
        except (Exception, SystemExit) as error:
            raise PluginError(self.package, f"{self} cannot be loaded: {type(error).__name__}: {error}") from error

    def to_dict(self) -> dict[str, str]:
        """Return plain values, ready for JSON."""
        return {**self._asdict(), "group": self.group.value}


def plugins(group: PluginGroup | str | None = None) -> tuple[Plugin, ...]:
    """Return what the installed packages bring, by group and name. Nothing of it is loaded.

    Raises:
        UnknownName: There is no such group.
    """
    groups = list(PluginGroup) if group is None else [_group(group)]
    return tuple(sorted(one for each in groups for one in _brought(each)))


def _group(group: PluginGroup | str) -> PluginGroup:
    names = {one.value for one in PluginGroup}
    if group not in names:
        raise UnknownName(f"there is no group of plugins {group!r}", hint=did_you_mean(str(group), names))
    return PluginGroup(group)


def _brought(group: PluginGroup) -> Iterator[Plugin]:
    for point in entry_points(group=group.value):
        package = point.dist
        name, version = ("an unknown package", "") if package is None else (f"{package.name}", f"{package.version}")
        yield Plugin(group, point.name, name, version, point.value)


def plugin(group: PluginGroup | str, name: str) -> Plugin:
    """Return one plugin by its name.

    Raises:
        UnknownName: No installed package brings it.
        PluginError: Two packages do.
    """
    brought = plugins(group)
    found = [one for one in brought if one.name == name]
    if not found:
        known = [one.name for one in brought]
        raise UnknownName(f"no installed package brings {group} {name!r}", hint=did_you_mean(str(name), known))
    if len(found) > 1:
        rivals = " and ".join(one.package for one in found)
        raise PluginError(found[0].package, f"{rivals} both bring {group} {name!r}: take one of them out")
    return found[0]


def find_policy(name: str) -> Policy:
    """Return the policy that a package brings under a name, ready for ``playbook.with_score``.

    Raises:
        UnknownName: No installed package brings it.
        PluginError: It cannot be loaded, or is no policy.
    """
    from leadlife.scoring.policy import as_part  # noqa: PLC0415 - only who scores pays for policies

    brought = plugin(PluginGroup.POLICIES, name)
    loaded = brought.load()
    try:
        policy: Policy = as_part(_Plugged(brought, loaded) if _is_code(loaded) else loaded, None)
    except LeadlifeError as error:
        raise PluginError(brought.package, f"{brought} is no policy: {error.message}") from error
    return policy


def find_preset(name: str) -> Playbook:
    """Return a preset by its name: one of ours, else the one that a package brings.

    Raises:
        UnknownName: There is no such preset.
        PluginError: It cannot be loaded, broke, or is no playbook.
    """
    if name in PRESETS:
        return PRESETS[name]()
    known = (*PRESETS, *(one.name for one in plugins(PluginGroup.PRESETS)))
    if name not in known:
        raise UnknownName(f"there is no preset {name!r}", hint=did_you_mean(str(name), known))
    brought = plugin(PluginGroup.PRESETS, name)
    make = brought.load()
    try:
        made = make() if callable(make) else make
    except (Exception, SystemExit) as error:
        raise PluginError(brought.package, f"{brought} raised {type(error).__name__}: {error}") from error
    if not isinstance(made, Playbook):
        raise PluginError(brought.package, f"{brought} is no playbook, but {type(made).__name__}")
    return made


def find_reader(name: str) -> Any:
    """Return the reader that a package brings under a name; ``leadlife.io.read_with`` reads by it.

    Raises:
        UnknownName: No installed package brings it.
        PluginError: It cannot be loaded, or cannot be called.
    """
    brought = plugin(PluginGroup.READERS, name)
    loaded = brought.load()
    if not callable(loaded):
        raise PluginError(brought.package, f"{brought} is no reader: it cannot be called")
    return loaded


class PolicyPlugins(Mapping[str, Any]):
    """Policies by name for ``load_playbook(policies=...)``: those at hand, then what installed packages bring.

    >>> from leadlife.plugins import PolicyPlugins
    >>> len(PolicyPlugins({"mine": print})) >= 1
    True
    """

    def __init__(self, given: Mapping[str, Any] | None = None) -> None:
        """Put what is at hand first."""
        self._given = dict(given or {})

    def __getitem__(self, name: str) -> Any:
        if name in self._given:
            return self._given[name]
        try:
            brought = plugin(PluginGroup.POLICIES, name)
        except UnknownName:
            raise KeyError(name) from None
        return _Plugged(brought, brought.load())

    def __iter__(self) -> Iterator[str]:
        yield from dict.fromkeys((*self._given, *(one.name for one in plugins(PluginGroup.POLICIES))))

    def __len__(self) -> int:
        return len(list(iter(self)))


def _is_code(loaded: Any) -> bool:
    from leadlife.scoring.policy import Policy  # noqa: PLC0415 - as above

    return not isinstance(loaded, Policy)


class _Plugged:
    """A policy of another package, which says whose it is where it breaks."""

    def __init__(self, brought: Plugin, loaded: Any) -> None:
        self._brought = brought
        self._score = getattr(loaded, "score", loaded)
        self.name: str = getattr(loaded, "name", brought.name)
        self.version: str = str(getattr(loaded, "version", "1"))
        if not callable(self._score) or isinstance(loaded, type):
            raise PluginError(brought.package, f"{brought} is no policy: neither a function nor an object that scores")

    def score(self, lead: Any, activities: Any, *, at: datetime) -> Any:
        """Return what the package's own code answers."""
        try:
            return self._score(lead, activities, at=at)
        except Exception as error:
            whose = f"{self._brought.package} {self._brought.version}"
            raise PolicyError(self.name, f"of package {whose} raised {type(error).__name__}") from error
