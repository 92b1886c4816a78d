"""The reasons of the presets for losing, recycling and disqualifying a lead."""

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
"""The same reasons for all presets; ``other`` needs a note."""
