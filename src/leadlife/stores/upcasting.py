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


def upcast(text: str, schema: int) -> str:
    """Return the content of a fact, as JSON, in the present schema of its type.

    Args:
        text: The content by its own schema.
        schema: The number of that schema.
    """
    if not UPCASTERS:
        return text
    content: dict[str, Any] = json.loads(text)
    kind = content["type"]
    while (step := UPCASTERS.get((kind, schema))) is not None:
        schema += 1
        content = {**step(content), "type": kind, "schema": schema}
    return json.dumps(content)
