"""The reasons that presets ship with for losing, recycling and disqualifying."""

from __future__ import annotations

from leadlife.lifecycle.stages import Reason

REASONS: tuple[Reason, ...] = (
    *(
        Reason(id=name)
        for name in (
            "pricing",
            "competition",
            "budget",
            "missing features",
            "long sales cycle",
            "no decision",
            "no decision maker",
            "unresponsive",
            "poor fit",
            "bad timing",
            "need satisfied elsewhere",
            "duplicate",
        )
    ),
    Reason(id="other", needs_note=True, meaning="say what in a note"),
)
"""One vocabulary of reasons; ``other`` needs free text."""
