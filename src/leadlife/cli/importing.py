"""Playbooks in Python code, named as ``package.module:NAME``. Importing one runs its code, so a flag asks for it."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from leadlife.errors import LeadlifeError, Unreadable, article, did_you_mean
from leadlife.playbook.playbook import Playbook


def imported_playbook(what: str) -> Playbook:
    """Return the playbook that a module holds under a name, or that a function there returns.

    Modules of the present folder are found, as with ``python -m``.

    Raises:
        Unreadable: There is no such module or name, its code fails, or it is not a playbook.
        LeadlifeError: The code declares a playbook with faults.
    """
    module, colon, name = what.partition(":")
    if not (colon and module and name):
        raise Unreadable(f"{what!r} names no playbook in Python code", hint="write it as package.module:NAME")
    before = list(sys.path)
    sys.path.insert(0, str(Path.cwd()))
    try:
        found = _found(module, name)
    finally:
        sys.path[:] = before
    if found is None:
        known = [one for one, value in vars(sys.modules[module]).items() if isinstance(value, Playbook)]
        raise Unreadable(f"{module!r} has no name {name!r}", hint=did_you_mean(name, known))
    if not isinstance(found, Playbook):
        raise Unreadable(
            f"{what!r} is {article(type(found).__name__)}, not a playbook", hint="name a Playbook, or a function"
        )
    return found


def _found(module: str, name: str) -> Any:
    try:
        code = import_module(module)
    except LeadlifeError:
        raise
    except (Exception, SystemExit) as error:  # the module may raise anything, and leave
        raise Unreadable(f"cannot import {module!r}: {type(error).__name__}: {error}") from error
    try:
        found = getattr(code, name, None)
        return found() if callable(found) and not isinstance(found, type) else found
    except LeadlifeError:
        raise
    except (Exception, SystemExit) as error:  # and so may what is found there
        raise Unreadable(f"{module}:{name} raised {type(error).__name__}: {error}") from error
