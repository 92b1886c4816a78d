"""The types of arguments: numbers within their limits."""

from __future__ import annotations

import argparse


def lead_count(text: str) -> int:
    """Return a number of leads, or of days."""
    try:
        number = int(text)
    except ValueError:
        number = 0  # no number at all: the same message, rather than argparse's, which would show this function's name
    if not 0 < number <= 100_000:  # noqa: PLR2004 - more would take minutes
        raise argparse.ArgumentTypeError(f"must be a whole number from 1 to 100,000, got {text!r}")
    return number


def world_count(text: str) -> int:
    """Return a number of simulated worlds."""
    if not text.isdecimal() or not 2 <= int(text[:6]) <= 1_000:  # noqa: PLR2004 - one world has no interval
        raise argparse.ArgumentTypeError(f"must be a whole number from 2 to 1,000, got {text!r}")
    return int(text)
