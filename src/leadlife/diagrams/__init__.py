"""Pictures of a lifecycle: one neutral graph, rendered as Mermaid, as Graphviz dot or as text."""

from leadlife.diagrams.neutral import Arrow, Graph, graph
from leadlife.diagrams.rendering import dot, mermaid, text

__all__ = ["Arrow", "Graph", "dot", "graph", "mermaid", "text"]
