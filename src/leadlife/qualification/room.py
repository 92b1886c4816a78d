"""Room: how far scores may rise before the answer of a rule may be another one.

Most activities change no rule: they add a few points to a score that is far from every threshold. A rule that knows how
far it is from the nearest one is not evaluated again until so much has been offered to its scores.

It holds for scores that an activity can only raise and time can only lower. So a score that is above a threshold stays
there until time takes it down, whatever is added, and one below it stays there as long as no more is added than is
missing. When time may take one down is known by other means: see :class:`Horizon`.
"""

from __future__ import annotations

from leadlife.criteria import AllOf, AnyOf, BandIs, Criterion, ScoreIs, View

ENDLESS = 2**62
"""More micropoints than activities ever offer."""


def room_of(criterion: Criterion | None, view: View) -> int:
    """Return by how many micropoints the scores of a criterion may rise without another answer; 0 if that is not sure.

    One false part decides a conjunction, and one true part a disjunction: then the other parts may change.
    """
    if criterion is None:
        return ENDLESS
    if isinstance(criterion, ScoreIs | BandIs):
        score = view.score(criterion.name)
        room = score.room(criterion.threshold) if score is not None and score.answered else 0
        return ENDLESS if room is None else room
    parts = criterion.parts()
    if isinstance(criterion, AllOf | AnyOf):
        decides = isinstance(criterion, AnyOf)
        deciding = [room_of(part, view) for part in parts if part.predicate(view) is decides]
        if deciding:
            return max(deciding)
    return min((room_of(part, view) for part in parts), default=ENDLESS)
