"""Funnel figures from journeys, with intervals and cautions."""

from __future__ import annotations

from leadlife.analytics.cautions import Caution
from leadlife.analytics.funnel import Funnel, FunnelGroup, funnel
from leadlife.analytics.incidence import Incidence, quantile, wilson

__all__ = ["Caution", "Funnel", "FunnelGroup", "Incidence", "funnel", "quantile", "wilson"]
