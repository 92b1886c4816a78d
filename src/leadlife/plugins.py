"""Plugins: policies, presets and readers of other packages, found by entry points and loaded by name.

A plugin is loaded only when it is asked for by name. A package declares its plugins in its ``pyproject.toml``::

    [project.entry-points."leadlife.policies"]
    acme_intent = "acme_leadlife:intent"
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from enum import StrEnum
from importlib.metadata import EntryPoint, entry_points
from inspect import signature
from typing import TYPE_CHECKING, Any, NamedTuple

from leadlife.errors import LeadlifeError, PluginError, PolicyError, UnknownName, did_you_mean
from leadlife.playbook.playbook import Playbook
from leadlife.presets import PRESETS

if TYPE_CHECKING:
    from leadlife.scoring import Policy


class PluginGroup(StrEnum):
    """The kinds of plugin."""

    POLICIES = "leadlife.policies"
    """A policy that is data, a function ``(lead, activities, *, at)``, or an object with a method ``score``."""
    PRESETS = "leadlife.presets"
    """A function without arguments that returns a playbook."""
    READERS = "leadlife.readers"
    """A function that takes the path of a source and returns an ``Export``."""


class Plugin(NamedTuple):
    """A plugin that a package provides, not loaded yet.

    Attributes:
        group: The kind of plugin.
        name: The name of the plugin.
        package: The package that provides it.
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
        """Import the plugin and return it.

        Raises:
            PluginError: Its target is malformed, or its module cannot be imported or has no such name.
        """
        point = EntryPoint(self.name, self.target, self.group.value)
        if point.pattern.match(self.target) is None:
            raise self.fault("its target is malformed", 'declare it as "module:name"')
        try:
            return point.load()
        except (Exception, SystemExit) as error:  # a module that exits on import must not end the host
            raise PluginError(self.package, f"{self} cannot be loaded: {type(error).__name__}: {error}") from error

    def fault(self, problem: str, remedy: str = "") -> PluginError:
        """Return the error of this plugin: it names the package, the entry point and the remedy."""
        return PluginError(self.package, f"{self}: {problem}", remedy)

    def read(self, loaded: Any, name: str, default: Any) -> Any:
        """Return an attribute of what was loaded; the default where there is none.

        Raises:
            PluginError: Reading it raised.
        """
        try:
            return getattr(loaded, name, default)
        except Exception as error:
            raise self.fault(f"reading its {name} raised {type(error).__name__}: {error}", "correct it") from error

    def check_call(self, called: Any, *given: Any, form: str, **named: Any) -> None:
        """Check that something can be called in a certain form, without calling it.

        Raises:
            PluginError: It cannot.
        """
        if not callable(called):
            raise self.fault(f"{type(called).__name__} {called!r:.40} cannot be called; it must have the form {form}")
        try:
            signature(called).bind(*given, **named)
        except TypeError as error:
            raise self.fault(f"it cannot be called in the form {form}: {error}", "change its parameters") from error
        except ValueError:
            return  # a built-in callable may have no signature to check

    def to_dict(self) -> dict[str, str]:
        """Return plain values, ready for JSON."""
        return {**self._asdict(), "group": self.group.value}


def plugins(group: PluginGroup | str | None = None) -> tuple[Plugin, ...]:
    """Return the plugins of the installed packages, ordered by group and name. None is loaded.

    Raises:
        UnknownName: There is no such group.
    """
    groups = list(PluginGroup) if group is None else [_group(group)]
    return tuple(sorted(one for each in groups for one in _installed(each)))


def _group(group: PluginGroup | str) -> PluginGroup:
    names = {one.value for one in PluginGroup}
    if group not in names:
        raise UnknownName(f"there is no plugin group {group!r}", hint=did_you_mean(str(group), names))
    return PluginGroup(group)


def _installed(group: PluginGroup) -> Iterator[Plugin]:
    for point in entry_points(group=group.value):
        package = point.dist
        name, version = ("an unknown package", "") if package is None else (f"{package.name}", f"{package.version}")
        yield Plugin(group, point.name, name, version, point.value)


def plugin(group: PluginGroup | str, name: str) -> Plugin:
    """Return a plugin by its name.

    Raises:
        UnknownName: No installed package provides it.
        PluginError: More than one package provides it.
    """
    installed = plugins(group)
    named = [one for one in installed if one.name == name]
    if not named:
        known = [one.name for one in installed]
        raise UnknownName(f"no installed package provides {group} {name!r}", hint=did_you_mean(str(name), known))
    if len(named) > 1:
        packages = " and ".join(one.package for one in named)
        raise PluginError(named[0].package, f"{packages} both provide {group} {name!r}; uninstall one of them")
    return named[0]


def find_policy(name: str) -> Policy:
    """Return the policy of a package by its name, ready for ``playbook.with_score``.

    Raises:
        UnknownName: No installed package provides it.
        PluginError: It cannot be loaded, or is not a policy.
    """
    from leadlife.scoring.reading import as_part  # noqa: PLC0415 - importing policies is slow, and few programs need it

    origin = plugin(PluginGroup.POLICIES, name)
    loaded = origin.load()
    try:
        policy: Policy = as_part(_CodePolicy(origin, loaded) if _is_code(loaded) else loaded, None)
    except PluginError:
        raise
    except LeadlifeError as error:
        raise origin.fault(f"it is not a policy: {error.message}") from error
    return policy


def find_preset(name: str) -> Playbook:
    """Return a preset by its name: one of leadlife, else one of a package.

    Raises:
        UnknownName: There is no such preset.
        PluginError: It cannot be loaded, failed, or is not a playbook.
    """
    if name in PRESETS:
        return PRESETS[name]()
    known = tuple(dict.fromkeys((*PRESETS, *(one.name for one in plugins(PluginGroup.PRESETS)))))
    if name not in known:
        raise UnknownName(f"there is no preset {name!r}", hint=did_you_mean(str(name), known))
    origin = plugin(PluginGroup.PRESETS, name)
    loaded = origin.load()
    if callable(loaded):
        origin.check_call(loaded, form="def preset()")
    try:
        playbook = loaded() if callable(loaded) else loaded
    except (Exception, SystemExit) as error:
        raise PluginError(origin.package, f"{origin} raised {type(error).__name__}: {error}") from error
    if not isinstance(playbook, Playbook):
        raise PluginError(origin.package, f"{origin} must give a Playbook, but gave {type(playbook).__name__}")
    return playbook


def find_reader(name: str) -> Any:
    """Return the reader of a package by its name; ``leadlife.io.read_with`` calls it.

    Raises:
        UnknownName: No installed package provides it.
        PluginError: It cannot be loaded, or cannot be called.
    """
    origin = plugin(PluginGroup.READERS, name)
    loaded = origin.load()
    origin.check_call(loaded, None, form="def reader(source)")
    return loaded


class PolicyPlugins(Mapping[str, Any]):
    """Policies by name for ``load_playbook(policies=...)``: your own first, then those of installed packages.

    >>> from leadlife.plugins import PolicyPlugins
    >>> len(PolicyPlugins({"mine": print})) >= 1
    True
    """

    def __init__(self, given: Mapping[str, Any] | None = None) -> None:
        """Create the mapping with your own policies by name."""
        self._given = dict(given or {})

    def __getitem__(self, name: str) -> Any:
        if name in self._given:
            return self._given[name]
        try:
            origin = plugin(PluginGroup.POLICIES, name)
        except UnknownName:
            raise KeyError(name) from None
        return _CodePolicy(origin, origin.load())

    def __iter__(self) -> Iterator[str]:
        yield from dict.fromkeys((*self._given, *(one.name for one in plugins(PluginGroup.POLICIES))))

    def __len__(self) -> int:
        return len(list(iter(self)))


def _is_code(loaded: Any) -> bool:
    from leadlife.scoring.policy import Policy  # noqa: PLC0415 - as above

    return not isinstance(loaded, Policy)


class _CodePolicy:
    """A policy that is code of another package; its errors name the package."""

    def __init__(self, origin: Plugin, loaded: Any) -> None:
        self._origin = origin
        form = "def score(lead, activities, *, at)"
        if isinstance(loaded, type):
            # A class can be called, but calling it creates an object and scores nothing.
            raise origin.fault(f"it is a class, and not an object with a method {form}", "point to an object")
        self._score = origin.read(loaded, "score", loaded)
        self.name: str = origin.read(loaded, "name", origin.name)
        self.version: str = str(origin.read(loaded, "version", "1"))
        origin.check_call(self._score, None, (), form=form, at=None)
        if not isinstance(self.name, str):
            raise origin.fault(f"its name is not text, but {type(self.name).__name__}", "give the policy a name")

    def score(self, lead: Any, activities: Any, *, at: datetime) -> Any:
        """Return the answer of the package's code."""
        try:
            return self._score(lead, activities, at=at)
        except Exception as error:
            package = f"{self._origin.package} {self._origin.version}"
            raise PolicyError(self.name, f"of package {package} raised {type(error).__name__}") from error
