"""A table: columns with names, rows of numbers, texts, pictures and more."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from runcast.errors import RuncastError
from runcast.events import Plain
from runcast.files import RunFiles
from runcast.media.cells import BOOLEAN, NONE, NUMBER, STRING, cell, column_type, fits, kind_of
from runcast.media.shelf import Media, RunShelf, Shelf, of_file

FOLDER = "table"
ENDING = "table.json"
IMMUTABLE, MUTABLE, INCREMENTAL = "IMMUTABLE", "MUTABLE", "INCREMENTAL"
MODES = (IMMUTABLE, MUTABLE, INCREMENTAL)
COLUMNS_DEFAULT = ("Input", "Output", "Expected")
_OF_DTYPE = {int: NUMBER, float: NUMBER, str: STRING, bool: BOOLEAN}


class Table(Media):
    """Rows under columns. With log_mode="INCREMENTAL" each time it is logged only what came since is sent.

    Raises TypeError for a value that does not fit what its column held so far, unless `allow_mixed_types`.
    """

    def __init__(
        self,
        columns: Sequence[Any] | None = None,
        data: Any = None,
        rows: Any = None,
        dataframe: Any = None,
        dtype: Any = None,
        optional: bool | Sequence[bool] = True,
        allow_mixed_types: bool = False,
        log_mode: str | None = IMMUTABLE,
    ) -> None:
        self.log_mode = log_mode or IMMUTABLE
        if self.log_mode not in MODES:
            raise ValueError(f"log_mode is {log_mode!r}; it is one of {', '.join(MODES)}")
        self.data: list[list[Any]] = []
        self._mixed = allow_mixed_types
        data = data if data is not None else rows
        dataframe = data if dataframe is None and _is_dataframe(data) else dataframe
        self.columns: list[Any] = list(columns if columns is not None else COLUMNS_DEFAULT)
        if dataframe is not None:
            self.columns = [column if isinstance(column, str | int) else str(column) for column in dataframe.columns]
            data = [list(row) for row in dataframe.itertuples(index=False, name=None)]
        if not all(isinstance(column, str | int) for column in self.columns):
            raise AssertionError("columns argument expects list of strings or ints")
        if hasattr(data, "tolist") and hasattr(data, "shape"):
            data = data.tolist()
        if data is not None and (isinstance(data, str) or not isinstance(data, Sequence)):
            raise AssertionError("data argument expects list of lists")
        self._kinds: list[set[str]] = [set() for _ in self.columns]
        self._optional = list(optional) if isinstance(optional, Sequence) else [bool(optional)] * len(self.columns)
        self._typed(dtype)
        self._published: list[str] = []  # Of an incremental table: the files that hold its rows so far.
        self._sent = 0
        for row in data or ():
            self.add_data(*row)

    def _typed(self, dtype: Any) -> None:
        given = (
            list(dtype) if isinstance(dtype, Sequence) and not isinstance(dtype, str) else [dtype] * len(self.columns)
        )
        for kinds, wanted in zip(self._kinds, given, strict=False):
            if wanted in _OF_DTYPE:
                kinds.add(_OF_DTYPE[wanted])

    # What is in it.

    def add_data(self, *data: Any) -> None:
        """Add a row; raises ValueError for one of another length."""
        if len(data) != len(self.columns):
            raise ValueError(f"This table expects {len(self.columns)} columns: {self.columns}, found {len(data)}")
        for at, value in enumerate(data):
            self._check(at, value)
        self.data.append(list(data))

    def add_row(self, *row: Any) -> None:
        """Add a row, under the name that it once had."""
        self.add_data(*row)

    def _check(self, at: int, value: Any) -> None:
        kind, known = kind_of(value), self._kinds[at]
        if not self._mixed and not fits(kind, known):
            raise TypeError(
                f"Data row contained incompatible types: column {self.columns[at]!r} holds "
                f"{' or '.join(sorted(known))}, not {kind}; allow_mixed_types=True takes both"
            )
        if kind == NONE and not self._optional[at]:
            raise TypeError(f"Data row contained incompatible types: column {self.columns[at]!r} is not optional")
        known.add(kind)

    def add_column(self, name: str, data: Sequence[Any], optional: bool = False) -> None:
        """Add a column with a value for each row."""
        self._refuse_incremental("add_column")
        if name in self.columns:
            raise AssertionError(f"there is a column {name!r} already")
        values = list(data.tolist() if hasattr(data, "tolist") else data)
        if self.columns and self.data and len(values) != len(self.data):
            raise AssertionError(f"a column of {len(values)} values for {len(self.data)} rows")
        self.columns.append(name)
        self._kinds.append(set())
        self._optional.append(True if optional else bool(self._optional[0]) if self._optional else True)
        if not self.data:
            self.data = [[] for _ in values]
        for row, value in zip(self.data, values, strict=True):
            self._check(len(self.columns) - 1, value)
            row.append(value)

    def get_column(self, name: str, convert_to: str | None = None) -> Any:
        """Give a column's values, with `convert_to="numpy"` as an array."""
        if convert_to not in {None, "numpy"}:
            raise AssertionError("convert_to is None or 'numpy'")
        at = self.columns.index(name)
        values = [row[at] for row in self.data]
        if convert_to is None:
            return values
        import numpy as np  # noqa: PLC0415  # Of whoever asks for it.

        return np.array(values)

    def get_dataframe(self) -> Any:
        """Give the table as a pandas DataFrame."""
        import pandas as pd  # noqa: PLC0415  # Of whoever asks for it.

        return pd.DataFrame.from_records(self.data, columns=self.columns)

    def get_index(self) -> list[int]:
        """Number the rows."""
        return list(range(len(self.data)))

    def iterrows(self) -> Iterator[tuple[int, list[Any]]]:
        """Give each row with its number."""
        yield from enumerate(self.data)

    def add_computed_columns(self, fn: Callable[[int, dict[Any, Any]], dict[str, Any]]) -> None:
        """Add the columns that `fn(number, row)` gives for each row."""
        self._refuse_incremental("add_computed_columns")
        made: dict[str, list[Any]] = {}
        for number, row in self.iterrows():
            for name, value in fn(number, dict(zip(self.columns, row, strict=True))).items():
                made.setdefault(name, []).append(value)
        for name, values in made.items():
            self.add_column(name, values)

    def cast(self, col_name: str, dtype: Any, optional: bool = False) -> None:
        """Say what a column's type is."""
        at = self.columns.index(col_name)
        self._optional[at] = bool(optional) or self._optional[at]
        if dtype in _OF_DTYPE:
            self._kinds[at].add(_OF_DTYPE[dtype])

    def set_pk(self, col_name: str) -> None:
        """Check that there is such a column: what a key is, nobody asks here."""
        self.columns.index(col_name)

    def set_fk(self, col_name: str, table: Table, table_col: str) -> None:
        """Check that there are such columns."""
        self.columns.index(col_name)
        table.columns.index(table_col)

    def __len__(self) -> int:
        return len(self.data)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Table) and self.columns == other.columns and self.data == other.data

    __hash__ = None  # type: ignore[assignment]  # It changes.

    def _refuse_incremental(self, call: str) -> None:
        if self.log_mode == INCREMENTAL:
            raise RuncastError(f"Operation '{call}' is not supported for tables with log_mode='INCREMENTAL'")

    # How it is kept.

    def shelve(self, shelf: Shelf) -> dict[str, Plain]:
        """Write the dict of a `table-file`."""
        file = shelf.add(self.encode(self.data, shelf), FOLDER, ENDING)
        return of_file("table-file", file, ncols=len(self.columns), nrows=len(self.data), log_mode=self.log_mode)

    def publish(self, files: RunFiles, key: str, step: int) -> dict[str, Plain]:
        """Give what stands in a row; an incremental table sends the rows that came since it was logged last."""
        shelf = RunShelf(files, key, step)
        if self.log_mode != INCREMENTAL:
            return {key: self.shelve(shelf)}
        file = shelf.add(self.encode(self.data[self._sent :], shelf), FOLDER, f"{len(self._published)}.{ENDING}")
        told = of_file(
            "incremental-table-file",
            file,
            ncols=len(self.columns),
            nrows=len(self.data),
            log_mode=INCREMENTAL,
            increment_num=len(self._published),
            previous_increments_paths=[*self._published],
        )
        self._sent = len(self.data)
        self._published.append(file.name)
        return {key: told}

    def encode(self, rows: Sequence[Sequence[Any]], shelf: Shelf) -> bytes:
        """Write rows as W&B's file does."""
        types = {str(name): column_type(kinds) for name, kinds in zip(self.columns, self._kinds, strict=True)}
        return json.dumps(
            {
                "columns": self.columns,
                "data": [[cell(value, shelf) for value in row] for row in rows],
                "ncols": len(self.columns),
                "nrows": len(rows),
                "column_types": {"wb_type": "typedDict", "params": {"type_map": types}},
            },
            ensure_ascii=False,
        ).encode("utf-8", "replace")

    @classmethod
    def decode(cls, data: bytes) -> Table:
        """Read what `encode` wrote; pictures and the like stay references."""
        read = json.loads(data)
        table = cls(columns=read["columns"], allow_mixed_types=True)
        for row in read["data"]:
            table.add_data(*row)
        return table


class EvalTable(Table):
    """A table of what a model said to examples: here, a table."""


class JoinedTable(Media):
    """Two tables that have a column in common; kept as one table of the rows that agree in it."""

    def __init__(self, table1: Table, table2: Table, join_key: str | Sequence[str]) -> None:
        self._tables = (table1, table2)
        keys = [join_key, join_key] if isinstance(join_key, str) else list(join_key)
        self._keys = (keys[0], keys[-1])

    def joined(self) -> Table:
        """Put the rows together."""
        left, right = self._tables
        at = right.columns.index(self._keys[1])
        known: dict[Any, list[list[Any]]] = {}
        for row in right.data:
            known.setdefault(row[at], []).append(row)
        others = [name for name in right.columns if name != self._keys[1]]
        made = Table(columns=[*left.columns, *(f"{name}_2" if name in left.columns else name for name in others)])
        own = left.columns.index(self._keys[0])
        for row in left.data:
            for match in known.get(row[own], ()):
                made.add_data(*row, *(value for number, value in enumerate(match) if number != at))
        return made

    def shelve(self, shelf: Shelf) -> dict[str, Plain]:
        """Write the dict of a `table-file`."""
        return self.joined().shelve(shelf)


class PartitionedTable(Media):
    """A table whose parts are files of one folder of an artifact."""

    def __init__(self, parts_path: str) -> None:
        self.parts_path = parts_path

    def shelve(self, shelf: Shelf) -> dict[str, Plain]:
        """Name the folder."""
        del shelf
        return {"_type": "partitioned-table", "parts_path": self.parts_path}


def _is_dataframe(value: Any) -> bool:
    return type(value).__module__.partition(".")[0] == "pandas" and hasattr(value, "itertuples")
