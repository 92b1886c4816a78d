"""Probabilities and their log-odds."""

from math import exp, log


def chance_of(odds: float) -> float:
    """Return the probability that has these log-odds."""
    # Two formulas, so that exp never gets a large argument and overflows.
    return 1 / (1 + exp(-odds)) if odds > 0 else exp(odds) / (1 + exp(odds))


def log_odds(probability: float) -> float:
    """Return the logarithm of the odds of a probability between 0 and 1."""
    return log(probability / (1 - probability))
