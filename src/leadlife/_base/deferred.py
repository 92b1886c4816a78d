"""Models whose module is imported only when a value is given, so that what is not used costs no import."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from pydantic import ValidationInfo


def read_as(module: str, name: str) -> Callable[[Any, ValidationInfo], Any]:
    """Return a validator that reads a model of another module.

    Args:
        module: The module that defines the model.
        name: The model's name there.
    """

    def read(value: Any, info: ValidationInfo) -> Any:
        model = getattr(import_module(module), name)
        return value if isinstance(value, model) else model.model_validate(value, context=info.context)

    return read
