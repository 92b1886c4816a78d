"""Reading other systems' exports: a declarative mapping from tables to facts."""

from __future__ import annotations

from leadlife.exchange.mapping import Mapping, as_mapping, load_mapping
from leadlife.exchange.plugged import read_with
from leadlife.exchange.reader import Export, RowCount, read_export, unused_rows
from leadlife.exchange.tables import SetAside

__all__ = [
    "Export",
    "Mapping",
    "RowCount",
    "SetAside",
    "as_mapping",
    "load_mapping",
    "read_export",
    "read_with",
    "unused_rows",
]
