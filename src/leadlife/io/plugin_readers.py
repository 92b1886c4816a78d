"""Reading a source with a reader of another package."""

from __future__ import annotations

from pathlib import Path

from leadlife.errors import LeadlifeError, PluginError
from leadlife.io.export_reader import Export
from leadlife.plugins import PluginGroup, find_reader, plugin


def read_with(reader: str, source: Path | str) -> Export:
    """Return the export that a reader of another package makes of a source.

    Args:
        reader: The name of the reader, as its package declares it.
        source: The file or folder to read.

    Raises:
        UnknownName: No installed package has such a reader.
        PluginError: The reader cannot be loaded, failed, or returned something that is not an export.
        LeadlifeError: The reader reports that it cannot read the source.
    """
    read, origin = find_reader(reader), plugin(PluginGroup.READERS, reader)
    try:
        export = read(Path(source))
    except LeadlifeError:  # the reader's own report about the source, not a fault of the reader
        raise
    except Exception as error:
        raise PluginError(origin.package, f"{origin} raised {type(error).__name__}: {error}") from error
    if not isinstance(export, Export):
        raise PluginError(origin.package, f"{origin} must return an Export, but returned {type(export).__name__}")
    return export
