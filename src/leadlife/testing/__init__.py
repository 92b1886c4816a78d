"""Hypothesis strategies for playbooks, facts and whole histories, for leadlife's own laws and for yours.

Needs the extra ``testing``.
"""

from __future__ import annotations

from leadlife.errors import MissingExtra

try:
    from leadlife.testing.strategies import at_times, fact_drafts, histories, lifecycles, playbooks
except ImportError:  # pragma: no cover - hypothesis is there wherever tests run
    raise MissingExtra("leadlife.testing needs hypothesis", hint="pip install 'leadlife[testing]'") from None

__all__ = ["at_times", "fact_drafts", "histories", "lifecycles", "playbooks"]
