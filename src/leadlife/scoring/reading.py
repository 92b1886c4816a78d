"""Reading policies: from plain values or JSON, and from the functions and objects that stand for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, SerializeAsAny, ValidationInfo

from leadlife._base.model import read_json
from leadlife.errors import InvalidDefinition, suggestion
from leadlife.scoring.policy import MOST_LEVELS, Policy


def as_policy(value: Any) -> Any:
    """Return a policy, given as a policy, its data, a named function, or an object with a method ``score``.

    Raises:
        Malformed: The value is none of these.
    """
    if isinstance(value, Policy):
        return value
    if isinstance(value, Mapping):
        return read_policy(value)
    return _kinds()["custom_policy"].of(value)  # type: ignore[attr-defined]


def _kinds() -> dict[str, type[Policy]]:
    from leadlife.scoring.policy_kinds import kinds_of_policy  # noqa: PLC0415 - each kind imports this module

    return kinds_of_policy()


def read_policy(data: Mapping[str, Any] | str | bytes, *, policies: Mapping[str, Any] | None = None) -> Policy:
    """Return the policy that plain values or a JSON text describe, as ``policy.model_dump(mode="json")`` returns them.

    Args:
        data: The plain values or the JSON text.
        policies: Your functions and objects by name. Each custom policy in the data, at any depth, is bound to the one
            with its name.

    Raises:
        InvalidDefinition: The data do not describe a policy; every fault is listed.
    """
    plain = read_json(data) if isinstance(data, str | bytes) else data
    if not isinstance(plain, Mapping):
        raise InvalidDefinition(
            "a policy must be a mapping or JSON text", hint="pass a mapping of its keys, or its JSON"
        )
    if _too_deep(plain):
        raise InvalidDefinition(f"policies may be nested at most {MOST_LEVELS} levels deep", hint="flatten the policy")
    return _read(plain, {"policies": policies or {}})


def _read(data: Mapping[str, Any], context: Any) -> Policy:
    op, kinds = data.get("op"), _kinds()
    if not isinstance(op, str) or op not in kinds:
        near = suggestion(op, kinds) if isinstance(op, str) else None
        hint = f"did you mean {near!r}?" if near else f"use one of: {', '.join(kinds)}"
        raise InvalidDefinition("op must be a kind of policy", hint=hint)
    return kinds[op].model_validate(dict(data), context=context)


def _too_deep(data: Any) -> bool:
    """Return whether data are nested deeper than any policy; without recursion, which such data would exhaust."""
    waiting, most = [(data, 0)], 8 * MOST_LEVELS  # eight levels of values for each level of policies are ample
    while waiting:
        value, level = waiting.pop()
        if level > most:
            return True
        inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
        waiting += [(one, level + 1) for one in inner]
    return False


def as_part(value: Any, info: ValidationInfo | None) -> Any:
    """Return a policy as :func:`as_policy` does; data are bound to the functions that :func:`read_policy` was given."""
    if isinstance(value, Mapping) and info is not None and info.context is not None and not _too_deep(value):
        return _read(value, info.context)
    return as_policy(value)


Part = Annotated[SerializeAsAny[Policy], BeforeValidator(as_part)]
"""A policy inside a policy or a playbook. A named function or an object with a method ``score`` is accepted as well."""
