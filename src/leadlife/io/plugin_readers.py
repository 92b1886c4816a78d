"""Reading by what another package brings."""

from __future__ import annotations

from pathlib import Path

from leadlife.errors import LeadlifeError, PluginError
from leadlife.io.export_reader import Export
from leadlife.plugins import PluginGroup, find_reader, plugin


def read_with(reader: str, source: Path | str) -> Export:
    """Return an export as the reader of another package reads it.

    Args:
        reader: The name under which the package brings it.
        source: What it reads: a file or a folder.

    Raises:
        UnknownName: No installed package brings it.
        PluginError: It cannot be loaded, broke, or returned no export.
        LeadlifeError: The source cannot be read, as the reader says.
    """
    read, brought = find_reader(reader), plugin(PluginGroup.READERS, reader)
    try:
        export = read(Path(source))
    except LeadlifeError:
        raise
    except Exception as error:
        raise PluginError(brought.package, f"{brought} raised {type(error).__name__}: {error}") from error
    if not isinstance(export, Export):
        raise PluginError(brought.package, f"{brought} returned no Export, but {type(export).__name__}")
    return export
