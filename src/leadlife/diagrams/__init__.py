"""Pictures of a lifecycle: one neutral graph, as Mermaid, as Graphviz dot or as text; and the agreement in words."""

from leadlife.diagrams.agreement import agreement
from leadlife.diagrams.neutral import Arrow, Graph, graph
from leadlife.diagrams.rendering import dot, mermaid, text

__all__ = ["Arrow", "Graph", "agreement", "dot", "graph", "mermaid", "text"]
