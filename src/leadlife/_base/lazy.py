"""Names that cost their import when they are first used."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def homes_of(package: str, names: Mapping[str, str]) -> dict[str, str]:
    """Return the module of each public name.

    Args:
        package: The package's ``__name__``.
        names: By module, relative to the package, its public names, separated by blanks.
    """
    homes = {name: f"{package}.{module}" for module, several in names.items() for name in several.split()}
    return dict(sorted(homes.items()))


def lazily(package: str, homes: Mapping[str, str]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return ``__getattr__`` and ``__dir__`` of a package whose names live in other modules.

    Args:
        package: The package's ``__name__``.
        homes: Each name and the module it lives in.
    """

    def find(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(import_module(homes[name]), name)
        setattr(sys.modules[package], name, value)
        return value

    def names() -> list[str]:
        # What is public, and what Python itself sets; not the imports and the table of this trick.
        return sorted({*homes, *(name for name in vars(sys.modules[package]) if name.startswith("__"))})

    return find, names
