"""Halving: a score in which what a lead did before its recycling counts half."""

from __future__ import annotations

from dataclasses import replace

from leadlife.scoring.ledger import Contribution, LineKind, Scale
from leadlife.scoring.score import Score, joint_half_life
from leadlife.timing import earliest


def halved(whole: Score, fresh: Score) -> Score:
    """Return a score in which only half of what a lead had before an instant counts.

    Args:
        whole: The score of all that it did.
        fresh: The score of what it has done since.
    """
    cut_by_value = len(whole.cuts) == len(whole.bands)
    if not (whole.answered and fresh.answered and whole.scale is Scale.POINTS and cut_by_value):
        return whole
    # Only sums of points can be parted so; a chance, or a band that comes from parts, has no half.
    half = (whole.micropoints - fresh.micropoints) // 2
    total = fresh.micropoints + half
    reached = [band for least, band in zip(whole.cuts, whole.bands, strict=True) if total >= least]
    return replace(
        fresh,
        micropoints=total,
        lines=(*fresh.lines, Contribution("before", LineKind.NOTE, half, "half of what it had before the recycling")),
        band=reached[-1] if reached else None,
        changes_at=earliest((whole.changes_at, fresh.changes_at)),
        # Each of the two moves by no more than its own fading lines, and half of their sum by half of that.
        fading=(whole.fading + fresh.fading) // 2 + 1,
        rounding=whole.rounding + fresh.rounding + 1,
        half_life=joint_half_life((one.fading, one.half_life) for one in (whole, fresh)),
    )
