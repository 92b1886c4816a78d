"""Activities: what a lead did, or what was done with them."""

from pydantic import Field

from leadlife._model import Definition, Id, Instant, Model, Name, Text
from leadlife.criteria import Scalar


class ActivityKind(Definition):
    """A kind of activity that a playbook knows."""

    two_way: bool = False
    """Whether both sides take part, as in a reply or a call."""
    meaning: Text = ""


class Activity(Model):
    """One activity, as scoring policies read it."""

    id: Id | None = None
    kind: Name
    at: Instant
    attributes: dict[Name, Scalar] = Field(default_factory=dict[str, Scalar], repr=False)
