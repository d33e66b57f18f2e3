"""The shape of a source declaration: one YAML file per source under `sources/`.

A declaration says where a source comes from, how its bytes are read, which of its figures become which
indicator, and what is expected of it. Values that a reader needs stand here, never in code.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Strict(BaseModel):
    """A declaration with a key nobody knows is a typing error, and refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Origin(Strict):
    """Where the figures come from, so that any of them can be traced and cited."""

    producer: str
    citation: str
    date_published: dt.date | None = None
    date_accessed: dt.date | None = None
    fictional: bool = False


class CbsV4Connector(Strict):
    """A slice of one CBS OData v4 table. Table ids are case-sensitive and used as written."""

    kind: Literal["cbs_v4"]
    table: str
    filter: str | None = None


class FolderConnector(Strict):
    """Files in the deliveries folder, found by pattern below `folder`."""

    kind: Literal["folder"]
    folder: str = "."
    pattern: str


class CbsV4Reader(Strict):
    """How the observations of a CBS table are read. `dimensions` make up the key beside region and period."""

    kind: Literal["cbs_v4"]
    region_dimension: str | None = "RegioS"
    period_dimension: str = "Perioden"
    dimensions: tuple[str, ...] = ()


class Column(Strict):
    """One column a reader lets through. Columns that are not declared are never read.

    `header` is the publisher's header, compared after trimming; `name` is the column's name in the warehouse.
    Types: `text`; `region_name` and `region_code` (resolved, the text kept, `region_code` added); `integer`;
    `number`; `percentage` (0-100; a spreadsheet's percent format is read as such); `year`; `period`.

    `required` is about the column and its cells, `nullable` lets the cells of a column that must be there be
    empty. Amounts of eight digits and more need a declared `maximum`: without one, a whole number that passes
    the eleven test is taken for a BSN.
    """

    header: str
    name: str
    type: Literal["text", "region_name", "region_code", "integer", "number", "percentage", "year", "period"]
    required: bool = True
    nullable: bool = False
    allowed: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None


class NoDataRow(Strict):
    """A row that holds no data: a printed total (checked against, never loaded), a footer, a note."""

    kind: Literal["total", "footer", "note"]
    first_cell: str = Field(description="a regular expression that the first non-empty cell must match whole")

    @model_validator(mode="after")
    def _is_a_pattern(self) -> Self:
        # The pattern is matched by Arrow, which knows no look-around.
        import pyarrow as pa
        import pyarrow.compute as pc

        try:
            pc.match_substring_regex(pa.array([""]), self.first_cell)
        except pa.ArrowInvalid as error:
            raise ValueError(f"first_cell: not a regular expression: {error}") from None
        return self


class _TabularReader(Strict):
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    no_data_rows: tuple[NoDataRow, ...] = ()
    missing: tuple[str, ...] = ("", ".", "-")
    ignore_headers: tuple[str, ...] = ()
    decimal: Literal[",", "."] = ","
    thousands: Literal[".", ",", " ", ""] = ""

    @model_validator(mode="after")
    def _columns_make_one_table(self) -> Self:
        names = [column.name for column in self.columns]
        for what, values in (("name", names), ("header", [column.header.strip() for column in self.columns])):
            if twice := _repeated(values):
                raise ValueError(f"columns: {what} {twice!r} is declared twice")
        if reserved := {"line", "vintage_id", "region_code"}.intersection(names):
            raise ValueError(f"columns: the name {min(reserved)!r} is the reader's own")
        if sum(column.type in ("region_name", "region_code") for column in self.columns) > 1:
            raise ValueError("columns: more than one column holds the region")
        if unknown := set(self.key).difference(names):
            raise ValueError(f"key: {min(unknown)!r} is not a declared column")
        if self.decimal == self.thousands:
            raise ValueError("decimal and thousands are the same character")
        return self


def _repeated(values: Iterable[str]) -> str | None:
    seen: set[str] = set()
    for value in values:
        if value in seen:
            return value
        seen.add(value)
    return None


class DelimitedReader(_TabularReader):
    """A delimited text file, with its encoding and separators confirmed against the bytes, not guessed."""

    kind: Literal["delimited"]
    encoding: Literal["utf-8", "utf-8-sig", "windows-1252", "utf-16-le", "utf-16"]
    delimiter: Literal[";", ",", "\t", "|"]


class SpreadsheetReader(_TabularReader):
    """One sheet of an XLSX file."""

    kind: Literal["spreadsheet"]
    sheet: str
    header_row: int = 1


class SwingReader(Strict):
    """An ABF Swing export: `period;geolevel;geoitem;<code>...`; special values and yearly levels included."""

    kind: Literal["swing"]
    encoding: Literal["utf-8", "utf-8-sig", "windows-1252"] = "utf-8"
    delimiter: Literal[";", ","] = ";"
    decimal: Literal[",", "."] = ","
    items: tuple[str, ...]
    ignore_headers: tuple[str, ...] = ()


class FileVintage(Strict):
    """What the publisher said of a file: which vintage it is and when it was published."""

    pattern: str
    label: str
    published: dt.date | None = None


class Series(Strict):
    """Which figures of the source are which indicator.

    `item` is the source's own key: Swing's item code, a tabular column's name, or for CBS the measure's title
    followed by the dimension codes in declared order, separated by `|` (`Cliënten|A019507`).
    """

    item: str
    indicator_id: str
    factor: float = 1.0


class Expected(Strict):
    """Figures that this source should deliver; coverage is judged against these and nothing else.

    `regions` are codes, group codes (`SV-BUCH` stands for its members when `members` is true) or a prefix
    with a star (`VB*`); `periods` is a list, or a first and a last of one kind (`2015H1..2024H2`).
    """

    regions: tuple[str, ...]
    periods: tuple[str, ...]
    items: tuple[str, ...]
    members: bool = False
    due_days: int = 190


class KnownGap(Strict):
    """A delivery known to be missing, with the reason somebody gave for it."""

    regions: tuple[str, ...]
    periods: tuple[str, ...]
    items: tuple[str, ...] = ("*",)
    because: str


class Source(Strict):
    """One source: the whole of its declaration."""

    source_id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    title: str
    publisher: str
    licence: str
    url: str | None = None
    cadence: Literal["monthly", "quarterly", "half_yearly", "yearly", "two_yearly", "four_yearly", "once"]
    profiles: tuple[Literal["sample", "live"], ...]
    origin: Origin
    connector: Annotated[CbsV4Connector | FolderConnector, Field(discriminator="kind")]
    reader: Annotated[CbsV4Reader | DelimitedReader | SpreadsheetReader | SwingReader, Field(discriminator="kind")]
    rounding: int | None = Field(default=None, description="figures are multiples of this, where declared")
    suppressed_below: int | None = None
    vintages: tuple[FileVintage, ...] = Field(
        default=(), description="in the order in which they appeared: of two that give one figure, the later counts"
    )
    series: tuple[Series, ...] = ()
    expected: tuple[Expected, ...] = ()
    known_gaps: tuple[KnownGap, ...] = ()
    constant_region: str | None = Field(
        default=None, description="the region of every row, for a delivery that does not name it"
    )
    person_level: bool = False
    defines_regions: bool = Field(
        default=False, description="its region codes, with the history in their descriptions, are the map"
    )

    @model_validator(mode="after")
    def _one_way_to_the_region(self) -> Self:
        columns = self.reader.columns if isinstance(self.reader, _TabularReader) else ()
        named = any(column.type in ("region_name", "region_code") for column in columns)
        if self.constant_region is not None and (named or not columns):
            raise ValueError("constant_region: the file names its regions itself")
        return self
