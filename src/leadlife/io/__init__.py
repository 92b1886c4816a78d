"""Files in and out: playbooks as JSON and TOML, mappings, and other systems' exports."""

from __future__ import annotations

from leadlife.io.export_reader import Export, RowCount, read_export, unused_rows
from leadlife.io.mapping import ExportMapping, as_mapping, load_mapping
from leadlife.io.playbook_files import load_playbook
from leadlife.io.plugin_readers import read_with
from leadlife.io.tables import SetAside

__all__ = [
    "Export",
    "ExportMapping",
    "RowCount",
    "SetAside",
    "as_mapping",
    "load_mapping",
    "load_playbook",
    "read_export",
    "read_with",
    "unused_rows",
]
