"""Diagrams of a lifecycle and of programmes as Mermaid, Graphviz dot or text, and the agreement in words."""

from leadlife.reports.agreement import agreement
from leadlife.reports.graph import Arrow, Graph, graph
from leadlife.reports.rendering import dot, mermaid, text

__all__ = ["Arrow", "Graph", "agreement", "dot", "graph", "mermaid", "text"]
