"""The ``transitions`` machine of a lifecycle. At run time, no other module imports ``transitions``.

A machine is built from edges that are already expanded (wildcards, gates, reopening). It has no model of its own, and
it holds no strings that it could import or call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from leadlife.criteria import Predicate, View
from leadlife.lifecycle.edges import Edge
from leadlife.lifecycle.stages import Stage, StageType

if TYPE_CHECKING:
    from transitions import EventData, Machine


class EdgeCheck:
    """An edge as ``transitions`` sees it: a resolved callable that answers a real bool."""

    __slots__ = ("edge", "test", "view")

    def __init__(self, edge: Edge, view: Callable[[Any], View] | None) -> None:
        self.edge: Edge = edge
        self.test: Predicate | None = edge.test
        self.view: Callable[[Any], View] | None = view

    def __call__(self, event: EventData) -> bool:
        """Return whether the guard is true; unknown is not."""
        if self.test is None:
            return True
        subject = event.kwargs["view"] if self.view is None else self.view(event.model)
        return self.test(subject) is True


def build_machine(
    stages: Iterable[Stage], edges: Iterable[Edge], *, initial: str, view: Callable[[Any], View] | None = None
) -> Machine:
    """Return a fresh machine without a model, whose guards read ``view(model)`` or the event's ``view=``."""
    from transitions import Machine  # noqa: PLC0415 - paid for by the first lifecycle that is compiled

    machine = Machine(
        model=None,
        states=[stage.id for stage in stages if stage.type is not StageType.GATE],
        initial=initial,
        auto_transitions=False,
        send_event=True,
        queued=False,
        on_exception=None,
    )
    for edge in edges:
        machine.add_transition(edge.trigger, edge.source, edge.target, conditions=[EdgeCheck(edge, view)])
    return machine
