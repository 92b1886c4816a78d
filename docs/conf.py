"""Sphinx configuration."""

from importlib import import_module

from docutils.nodes import Element
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

project = "leadlife"
author = "The leadlife maintainers"
copyright = "2026, the leadlife maintainers"
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_heading_anchors = 3
html_theme = "furo"
html_title = "leadlife"
napoleon_use_ivar = True
nitpick_ignore = [
    ("py:class", name)
    for name in (
        "collections.abc.Mapping",
        "datetime.date",
        "datetime.datetime",
        "datetime.timedelta",
        "decimal.Decimal",
        "numpy.ndarray",
        "pyarrow.lib.Array",
        "pyarrow.lib.Table",
        "zoneinfo.ZoneInfo",
    )
]
autodoc_member_order = "bysource"
autodoc_typehints = "none"
autodoc_class_signature = "separated"
exclude_patterns = ["_build"]
html_extra_path = ["playbook.schema.json"]

# The constraints on a field's type, which autodoc writes out as if they were classes.
CONSTRAINTS = (
    r"LAX|SORTED|TupleOf|MappingOf|OneOf|Field|Names?|Text|Amount|Question|Bands|AnyRule|Scalar|Chance|CountedValue|WinTable",
    r"(Written)?Instant",
    r"[gl]e=\d+|gt=0|repr=False|m\w+_length=\d+|.*AwareDatetime",
)
nitpick_ignore_regex = [("py:class", names) for names in CONSTRAINTS]

HOMES = (
    "errors",
    "facts",
    "leads",
    "journey",
    "journey.journey",
    "journey.snapshot",
    "io",
    "scoring.score",
    "scoring.ledger_text",
    "scoring.policy",
    "scoring.reading",
    "scoring.learned.naive_bayes",
    "scoring.learned.calibrated_bayes",
    "evaluation.ranking",
    "planning",
)


def find_unqualified(app: Sphinx, env: BuildEnvironment, node: Element, contnode: Element) -> Element | None:
    """Resolve a bare name such as ``Malformed`` to the module of ours that documents it."""
    target = node.get("reftarget", "")
    for home in HOMES:
        if hasattr(import_module(f"leadlife.{home}"), target):
            domain = env.get_domain("py")
            return domain.resolve_xref(
                env, node["refdoc"], app.builder, "obj", f"leadlife.{home}.{target}", node, contnode
            )
    return None


def setup(app: Sphinx) -> None:
    """Connect the resolver."""
    app.connect("missing-reference", find_unqualified)
