"""Sample texts: for every way in which the criteria about a text can be answered together, a text that is answered so.

Criteria compare a text with whole texts, by order or for equality, and look for parts at its start, at its end and
inside. Two ideas make the samples complete.

A text that differs from all the texts that it is compared with by order does so at its first character that none of
them has there. All texts that are alike up to and including this character are ordered alike, whatever follows. So the
samples begin with each beginning of a compared text, followed by a character from each gap between the characters that
come next there.

What follows is free. So the parts that are looked for are put there, set apart by a character that stands in none of
them, so that no other part arises where two of them meet.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, combinations, pairwise
from sys import maxunicode
from typing import Any

from leadlife.criteria import Comparison

PARTS = (Comparison.STARTS, Comparison.CONTAINS, Comparison.ENDS)
_BY_ORDER = (Comparison.LT, Comparison.LE, Comparison.GT, Comparison.GE, Comparison.BETWEEN)
_READABLE = range(ord(" "), ord("~") + 1)
_SURROGATES = range(0xD800, 0xE000)
"""Code points that are not characters."""


def sample_texts(leaves: Sequence[Any]) -> Iterator[str]:
    """Yield texts that stand for all texts, as far as these leaves can distinguish them. The plain ones come first.

    Args:
        leaves: Comparisons of one value. There are at most ``MOST_QUESTIONS`` of them; the number of samples can grow
            with 2 to the power of the number of parts that a text may contain.
    """
    whole = [text for leaf in leaves if leaf.compare not in PARTS for text in leaf.values() if isinstance(text, str)]
    ordered = [text for leaf in leaves if leaf.compare in _BY_ORDER for text in leaf.values() if isinstance(text, str)]
    starts, inner, ends = ([leaf.value for leaf in leaves if leaf.compare is sort] for sort in PARTS)
    letters = _letters((*starts, *inner, *ends))
    apart = next(_outside(letters | _letters(whole), -1, maxunicode + 1))
    nodes = list(dict.fromkeys(text[:size] for text in ["", *ordered] for size in range(len(text) + 1)))
    yield from whole
    yield from nodes
    begun = dict.fromkeys(chain.from_iterable(_beginnings(node, ordered, starts, letters, apart) for node in nodes))
    for chosen in _subsets(inner):
        for end in ("", *ends):
            rest = f"{''.join(apart + part for part in chosen)}{apart}{end}"
            yield from (f"{beginning}{rest}" for beginning in begun)


def _beginnings(
    node: str, ordered: Iterable[str], starts: Iterable[str], letters: set[str], apart: str
) -> Iterator[str]:
    """Yield the beginnings of texts that leave the compared texts right after one of their beginnings."""
    size = len(node)
    following = {ord(text[size]) for text in ordered if len(text) > size and text.startswith(node)}
    # Parts are found in either case, but the order of texts depends on it.
    going_on = [part for part in starts if len(part) > size and part.casefold().startswith(node.casefold())]
    for low, high in pairwise([-1, *sorted(following), maxunicode + 1]):
        if low < ord(apart) < high:
            yield f"{node}{apart}"
        else:
            yield from (f"{node}{one}" for one in _picked(letters, low, high))
        for part in going_on:
            for one in dict.fromkeys((part[size], part[size].lower(), part[size].upper())):
                if len(one) == 1 and low < ord(one) < high:
                    yield f"{node}{one}{part[size + 1 :]}"


def _picked(letters: set[str], low: int, high: int) -> list[str]:
    """Return a character between two others that no part has; every character between them if parts have them all."""
    free = next(_outside(letters, low, high), None)
    return [chr(code) for code in range(low + 1, high)] if free is None else [free]


def _outside(letters: set[str], low: int, high: int) -> Iterator[str]:
    """Yield the characters between two others, without some letters; those that a person can read come first."""
    readable = range(min(high, _READABLE.stop) - 1, max(low, _READABLE.start), -1)
    for code in chain(readable, range(low + 1, high)):
        if code not in _SURROGATES and chr(code) not in letters:
            yield chr(code)


def _letters(texts: Iterable[str]) -> set[str]:
    """Return every character of some texts, in every case in which it is found."""
    return {one for text in texts for form in (text, text.lower(), text.upper(), text.casefold()) for one in form}


def _subsets(parts: Sequence[str]) -> Iterator[tuple[str, ...]]:
    return chain.from_iterable(combinations(parts, size) for size in range(len(parts) + 1))
