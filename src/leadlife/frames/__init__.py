"""Data frames: pandas, Polars, PyArrow and everything else that narwhals reads; the same kind is returned.

Needs the extra ``frames``. A blank cell (null, NaN or empty text) is unknown. Ids are compared as text, so ``7``,
``7.0`` and ``"7"`` are the same lead. Rows are counted from 0.
"""

from leadlife.errors import MissingExtra

try:
    from leadlife.frames.cells import RowFault
    from leadlife.frames.learning import closed_leads, fields_of
    from leadlife.frames.scoring import score_frame
except ModuleNotFoundError as _missing:
    if _missing.name not in ("narwhals", "tqdm"):
        raise
    raise MissingExtra(f"leadlife.frames needs {_missing.name}", hint="pip install 'leadlife[frames]'") from None

__all__ = ["RowFault", "closed_leads", "fields_of", "score_frame"]
