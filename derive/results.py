"""What every result gives: its rows, plain data, a table for pandas and for a notebook, and a short text."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping
from typing import Any

from derive.provided import provided


class Result:
    """The base of what is returned: a class says what its `rows` are and its `headline`, and all else follows.

    A row is a dictionary from column names to numbers, texts, truth values or None; all rows have the same columns.
    """

    __slots__ = ()

    def rows(self) -> list[dict[str, Any]]:
        """Return the rows of the table: one dictionary each, with the columns in order."""
        raise NotImplementedError

    @property
    def headline(self) -> str:
        """The result in one line of text."""
        raise NotImplementedError

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, ready for JSON: a number that is not finite becomes None."""
        return self._table()

    def _table(self) -> dict[str, Any]:
        """Return ``{"columns": names, "rows": ...}`` as plain data, ready for JSON."""
        rows = self.rows()
        return {"columns": list(rows[0]) if rows else [], "rows": plain(rows)}

    def to_json(self) -> str:
        """Return `to_dict` as JSON, in full precision."""
        return json.dumps(self.to_dict(), indent=2, ensure_ascii=False, allow_nan=False)

    def to_csv(self) -> str:
        """Return the rows as CSV, in full precision (the shortest digits that give the same float64)."""
        out, rows = io.StringIO(), self.rows()
        table = csv.DictWriter(out, list(rows[0]) if rows else [], lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
        return out.getvalue()

    def to_dataframe(self) -> Any:
        """Return the rows as a ``pandas.DataFrame``.

        Raises ImportError, naming the extra, where pandas is not installed.
        """
        try:
            from pandas import DataFrame
        except ImportError as missing:
            raise ImportError(
                "to_dataframe needs pandas; install the extra: pip install 'varprop[pandas]'"
            ) from missing
        return DataFrame(self.rows())

    @provided
    def _repr_html_(self) -> str:
        raise NotImplementedError

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.headline}>"

    def __dir__(self) -> list[str]:
        return sorted(name for name in super().__dir__() if not name.startswith("_"))


def plain(value: Any) -> Any:
    """Return data that JSON can write: arrays and tuples as lists, objects as text, None for what is not finite.

    >>> plain({"a": (1, 0.5, float("inf")), 2: None})
    {'a': [1, 0.5, None], '2': None}
    """
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, str | int) else str(value)
