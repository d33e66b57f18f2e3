"""The Parquet file that a table is pulled into.

What belongs here: the columns, row groups, and letting the file appear whole or not at all. What does not: pages
(`download`), and which table it is (`services`).

    <data-dir>/pulled/<table>/<vintage>/observations.parquet

What is being written stands in a folder whose name starts with a dot, beside those of the vintages; what a killed
process left there is removed by the next pull of the table.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.durable import sync
from pipelines.pull.found import Block, Page, PullError
from pipelines.readers.periods import normalise_periods

NAME: Final = "observations.parquet"
BEFORE: Final = ("measure",)
BEHIND: Final = ("value", "value_attribute", "string_value", "period_code", "period_status")
_ROW_GROUP: Final = 250_000
_WRITING: Final = ".writing-"
_OURS: Final = "nulmeting."
_CODES: Final = pa.dictionary(pa.int32(), pa.string())


def columns_of(dimensions: Iterable[str]) -> list[str]:
    """The names of the file's columns. A dimension that is called like one of ours gets a `_` behind its name."""
    ours = {*BEFORE, *BEHIND}
    named: list[str] = []
    for dimension in dimensions:
        name = dimension
        while name in ours or name in named:
            name += "_"
        named.append(name)
    return [*BEFORE, *named, *BEHIND]


class Codes:
    """The distinct texts of one column so far, each with a place of its own."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self._places: dict[str, int] = {}

    def place(self, text: str) -> int:
        place = self._places.setdefault(text, len(self.texts))
        if place == len(self.texts):
            self.texts.append(text)
        return place

    def placed(self, codes: pa.DictionaryArray, *, trim: bool = True) -> pa.Array:
        """For every row the place of its text (int32); null where it has none."""
        texts = codes.dictionary.to_pylist()
        places = np.fromiter((self.place(text.strip() if trim else text) for text in texts), np.int32, len(texts))
        return pa.Array.from_buffers(pa.int32(), len(texts), [None, pa.py_buffer(places)]).take(codes.indices)


class ObservationsFile:
    """A context manager that writes one file; `finish` lets it appear, and without that it never does."""

    def __init__(
        self,
        folder: Path,
        dimensions: tuple[str, ...],
        period: str | None,
        statuses: Mapping[str, str | None],
        notes: Mapping[str, str],
    ) -> None:
        """`folder` is that of the table, `notes` what is written down in the file about where it came from."""
        self.observations = 0
        self._folder = folder
        self._dimensions, self._period = dimensions, period
        self._statuses = statuses
        self._columns = columns_of(dimensions)
        types = {"value": pa.float64(), "string_value": pa.string()}
        may_be_null = {"value", "string_value", "period_code", "period_status"}
        self._schema = pa.schema(
            [pa.field(name, types.get(name, _CODES), nullable=name in may_be_null) for name in self._columns]
        )
        self._notes = {f"{_OURS}{name}": text for name, text in notes.items()}
        self._codes = {name: Codes() for name in dimensions}
        self._measures, self._attributes = Codes(), Codes()
        self._chunks: dict[str, list[pa.Array]] = {name: [] for name in self._columns}
        self._waiting = 0
        self._constants: dict[tuple[int, int], pa.Array] = {}

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._staging = Path(tempfile.mkdtemp(prefix=_WRITING, dir=self._folder))
        self._staging.chmod(0o755)
        self._writer = pq.ParquetWriter(
            self._staging / NAME,
            self._schema,
            # What everything that reads Parquet knows, and fast.
            compression="snappy",
            # A dictionary of figures costs more than it saves.
            use_dictionary=[name for name in self._columns if name != "value"],
            write_statistics=False,
            write_batch_size=_ROW_GROUP,
            max_rows_per_page=_ROW_GROUP,
            # Whoever reads the file gets texts, not the dictionaries with which they were written.
            store_schema=False,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writer.is_open:
            self._writer.close()
        shutil.rmtree(self._staging, ignore_errors=True)

    def add(self, page: Page) -> None:
        """Put the observations of a page behind those before."""
        places = {name: self._codes[name].placed(page.codes[name]) for name in self._dimensions}
        for block in page.blocks:
            self._add_block(block, places)
        if self._waiting >= _ROW_GROUP:
            self._write()

    def finish(self, vintage: str) -> Path:
        """Let the file appear as that of a vintage, in the place of one that is there."""
        self._write()
        self._writer.add_key_value_metadata(self._notes)
        self._writer.close()
        written = self._staging / NAME
        sync(written)
        target = self._folder / vintage
        if target.is_dir():
            written.replace(target / NAME)
        else:
            self._staging.rename(target)
        sync(target)
        sync(self._folder)
        return target / NAME

    def _add_block(self, block: Block, places: Mapping[str, pa.Array]) -> None:
        rows = len(block.values)
        if not rows:
            return
        measure = self._measures.place(block.measure) if isinstance(block.measure, str) else None
        attribute = self._attributes.place(block.attributes) if isinstance(block.attributes, str) else None
        period = places[self._period] if self._period else self._constant(rows, None)
        chunks = [
            self._measures.placed(block.measure) if measure is None else self._constant(rows, measure),
            *(places[name] for name in self._dimensions),
            block.values,
            self._attributes.placed(block.attributes) if attribute is None else self._constant(rows, attribute),
            pa.nulls(rows, pa.string()) if block.texts is None else block.texts,
            period,
            period,
        ]
        for name, chunk in zip(self._columns, chunks, strict=True):
            self._chunks[name].append(chunk)
        self._waiting += rows
        self.observations += rows

    def _constant(self, rows: int, place: int | None) -> pa.Array:
        """The same place for so many rows. Nearly all pages of a table have equally many."""
        if len(self._constants) > 4 * len(self._measures.texts) + 4:
            self._constants.clear()
        key = (rows, -1 if place is None else place)
        if key not in self._constants:
            if place is None:
                self._constants[key] = pa.nulls(rows, pa.int32())
            else:
                filled = pa.py_buffer(np.full(rows, place, np.int32))
                self._constants[key] = pa.Array.from_buffers(pa.int32(), rows, [None, filled])
        return self._constants[key]

    def _write(self) -> None:
        """Write what is waiting as one row group."""
        if not self._waiting:
            return
        periods = self._codes[self._period].texts if self._period else []
        named = {name: self._codes[dimension].texts for dimension, name in self._named_dimensions()}
        texts: dict[str, list[str | None] | list[str]] = {
            "measure": self._measures.texts,
            **named,
            "value_attribute": self._attributes.texts,
            "period_code": normalise_periods(pa.array(periods, pa.string())).to_pylist(),
            "period_status": [self._statuses.get(code) for code in periods],
        }
        columns = [
            _encoded(self._chunks[name], texts[name]) if name in texts else pa.chunked_array(self._chunks[name])
            for name in self._columns
        ]
        self._writer.write_table(
            pa.Table.from_arrays(columns, schema=self._schema), row_group_size=max(self._waiting, 1)
        )
        for chunks in self._chunks.values():
            chunks.clear()
        self._waiting = 0

    def _named_dimensions(self) -> list[tuple[str, str]]:
        return list(zip(self._dimensions, self._columns[len(BEFORE) : -len(BEHIND)], strict=True))


def _encoded(places: list[pa.Array], texts: list[str | None] | list[str]) -> pa.ChunkedArray:
    """Texts by their places, each text once: several periods may have one status, and some have none."""
    distinct = Codes()
    moved = [None if text is None else distinct.place(text) for text in texts]
    dictionary = pa.array(distinct.texts, pa.string())
    if moved != list(range(len(texts))):
        where = pa.array(moved, pa.int32())
        once: dict[int, pa.Array] = {}
        # The blocks of a page share their places.
        places = [once.setdefault(id(chunk), where.take(chunk)) for chunk in places]
    return pa.chunked_array([pa.DictionaryArray.from_arrays(chunk, dictionary, safe=False) for chunk in places], _CODES)


def remove_leftovers(folder: Path) -> None:
    """Remove what killed processes left. Whoever calls this is the only one who pulls the table."""
    for leftover in folder.glob(f"{_WRITING}*"):
        shutil.rmtree(leftover, ignore_errors=True)


def notes_of(path: Path) -> dict[str, str]:
    """What is written down in a file about where it came from; empty where there is no such file."""
    if not path.is_file():
        return {}
    try:
        found = pq.read_metadata(path).metadata or {}
    except (OSError, pa.ArrowInvalid) as error:
        raise PullError(f"{path}: found a file that cannot be read ({error}); move it away") from error
    named = {name.decode(): text.decode() for name, text in found.items()}
    return {name.removeprefix(_OURS): text for name, text in named.items() if name.startswith(_OURS)}
