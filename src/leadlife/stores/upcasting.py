"""Upcasting: facts that an earlier release wrote are brought to the present schema while they are read.

The log is never rewritten. A release that changes the content of a type of fact raises that type's ``schema`` number
and adds a function here, which takes the earlier content and returns the next one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

Upcaster = Callable[[dict[str, Any]], dict[str, Any]]
"""Takes the content of a fact by one schema, and returns it by the next, without its ``schema`` number."""

UPCASTERS: Mapping[tuple[str, int], Upcaster] = {}
"""By type of fact and schema number, the step to the next number. Every type is at its first schema so far."""


def upcast(text: str, schema: int, upcasters: Mapping[tuple[str, int], Upcaster] = UPCASTERS) -> str:
    """Return the content of a fact in the present schema.

    Args:
        text: The content as JSON.
        schema: Its schema number.
        upcasters: The steps.
    """
    if not upcasters:
        return text
    content: dict[str, Any] = json.loads(text)
    kind = str(content.get("type"))
    step = upcasters.get((kind, schema))
    if step is None:
        return text
    while step is not None:
        content = {**step(content), "type": kind, "schema": schema + 1}
        schema += 1
        step = upcasters.get((kind, schema))
    return json.dumps(content)
