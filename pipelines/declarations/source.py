"""The shape of a source declaration: one YAML file per source under `sources/`.

A declaration says where a source comes from, how its bytes are read, which of its figures become which
indicator, and what is expected of it. Values that a reader needs stand here, never in code.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, PrivateAttr, model_validator

from pipelines.declarations.iv3 import Iv3CodeLists
from pipelines.declarations.strict import Strict
from pipelines.declarations.suppression import Suppression


class Origin(Strict):
    """Where the figures come from, so that any of them can be traced and cited."""

    producer: str
    citation: str
    date_published: dt.date | None = None
    date_accessed: dt.date | None = None
    fictional: bool = False


class Retries(Strict):
    """How often, in a run that nobody waits for, a publisher who cannot be reached is tried again, and when first.

    Every further wait is more than twice the one before.
    """

    times: Annotated[int, Field(ge=0, le=10)] = 3
    wait_seconds: Annotated[float, Field(ge=0, le=3600)] = 60


class _CbsConnector(Strict):
    """A slice of one CBS table, or of one table a year (`editions`: period code to table id).

    Table ids are case-sensitive and used as written. `measures` are titles: only these are fetched, whatever code
    they have in an edition; a title that an edition lacks is skipped, a table that has none of them is refused.
    """

    table: str | None = None
    editions: dict[str, str] = Field(default_factory=dict)
    filter: str | None = None
    measures: tuple[str, ...] = ()
    retries: Retries = Retries()

    @model_validator(mode="after")
    def _one_way_to_the_table(self) -> Self:
        if (self.table is None) == (not self.editions):
            raise ValueError("expected either table or editions")
        return self

    @property
    def tables(self) -> tuple[tuple[str, str | None], ...]:
        """Every table id, with the period that all of its figures are of where it is an edition."""
        if self.table is not None:
            return ((self.table, None),)
        return tuple((table, period) for period, table in self.editions.items())


class CbsV4Connector(_CbsConnector):
    """A slice of CBS OData v4. With `bulk` the whole table comes as the one zip file that CBS offers of it."""

    kind: Literal["cbs_v4"]
    bulk: bool = False

    @model_validator(mode="after")
    def _bulk_is_the_whole_table(self) -> Self:
        if self.bulk and self.filter:
            raise ValueError("bulk: a file of the whole table has no filter; name its measures, or fetch it over OData")
        return self


class CbsV3Connector(_CbsConnector):
    """A slice of CBS OData v3; `third_party` tables (Iv3 among them) stand on a host of their own.

    With `skip_empty` rows without any figure are not asked for: of a cube that is nearly empty they are nearly all.
    """

    kind: Literal["cbs_v3"]
    host: Literal["cbs", "third_party"] = "cbs"
    skip_empty: bool = False


class SwingConnector(Strict):
    """Variables of a Swing databank, over its OData service ("ODS v1")."""

    kind: Literal["swing_odata"]
    variables: tuple[str, ...]
    geolevels: tuple[str, ...] = ("gemeente",)
    period_level: str = "year"
    periods: tuple[str, ...] = ("all",)
    retries: Retries = Retries()


class FolderConnector(Strict):
    """Files in the deliveries folder, found by pattern below `folder`."""

    kind: Literal["folder"]
    folder: str = "."
    pattern: str


class _CbsReader(Strict):
    """How the observations of a CBS table are read. `dimensions` make up the key beside region and period.

    A table that is an edition has no period dimension: `period_dimension: null`. `region_codes` maps a code that
    only this table writes so to the one that all others use (`NL00: NL01`). `titled` are dimensions whose codes stand
    in an item by their titles: for a table whose codes nobody has seen, or that is coded anew now and then.
    """

    region_dimension: str | None = "RegioS"
    period_dimension: str | None = "Perioden"
    dimensions: tuple[str, ...] = ()
    titled: tuple[str, ...] = ()
    region_codes: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _titled_are_dimensions(self) -> Self:
        if other := [name for name in self.titled if name not in self.dimensions]:
            raise ValueError(f"titled: {other[0]!r} is not among the dimensions")
        return self


class CbsV4Reader(_CbsReader):
    """One observation per row, as OData v4 gives them."""

    kind: Literal["cbs_v4"]


class CbsV3Reader(_CbsReader):
    """One topic per column, as OData v3 gives them."""

    kind: Literal["cbs_v3"]


class Column(Strict):
    """One column a reader lets through. Columns that are not declared are never read.

    `header` is the publisher's header, compared after trimming; `name` is the column's name in the warehouse.
    Types: `text`; `region_name` and `region_code` (resolved, the text kept, `region_code` added); `integer`;
    `number`; `percentage` (0-100; a spreadsheet's percent format is read as such); `year`; `period`; `date`; `person`
    (a BSN) and `household` (what the deliverer calls a household), which leave the reader as pseudonyms only;
    `open_text` (of which nothing leaves the reader but whether it was filled in, as 1 or 0).

    `required` is about the column and its cells, `nullable` lets the cells of a column that must be there be
    empty. Amounts of eight digits and more need a declared `maximum`: without one, a whole number that passes
    the eleven test is taken for a BSN.

    A numeric column holds figures, under its `name` or under `item`. `period` is the period of a column that has
    its own (`2020 lasten`). `codes` makes a figure of a text column: `{ja: 1, nee: 0}`.
    """

    header: str
    name: str
    type: Literal[
        "text",
        "region_name",
        "region_code",
        "integer",
        "number",
        "percentage",
        "year",
        "period",
        "date",
        "person",
        "household",
        "open_text",
    ]
    required: bool = True
    nullable: bool = False
    allowed: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    item: str | None = None
    period: str | None = None
    codes: dict[str, float] = Field(default_factory=dict)

    @property
    def is_numeric(self) -> bool:
        """Whether its cells are numbers that may be figures."""
        return self.type in ("integer", "number", "percentage")


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


# What a table about persons is made of, beside its region: the names of the columns, their types, and what it needs.
_OF_PERSONS: tuple[tuple[str, str, bool], ...] = (
    ("person", "person", True),
    ("household", "household", False),
    ("law", "text", True),
    ("provision", "text", True),
    ("start_date", "date", True),
    ("end_date", "date", True),
    ("known_from", "date", False),
    ("known_to", "date", False),
)
# Of a table that says only in which household persons are, and since when.
_OF_HOUSEHOLDS: tuple[tuple[str, str, bool], ...] = (
    ("person", "person", True),
    ("household", "household", True),
    ("start_date", "date", True),
)


class _TabularReader(Strict):
    """`item_columns` are text columns whose value is part of which figure it is: the item of a figure is then its
    column's item and these values, joined by `|` (`lasten|6.72`). `figures` are the columns that hold figures;
    without it, every numeric one outside the key.
    """

    columns: tuple[Column, ...]
    key: tuple[str, ...]
    item_columns: tuple[str, ...] = ()
    figures: tuple[str, ...] = ()
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
        if reserved := {"line", "vintage_id", "region_code", "person_key"}.intersection(names):
            raise ValueError(f"columns: the name {min(reserved)!r} is the reader's own")
        if sum(column.type in ("region_name", "region_code") for column in self.columns) > 1:
            raise ValueError("columns: more than one column holds the region")
        if unknown := set(self.key).difference(names):
            raise ValueError(f"key: {min(unknown)!r} is not a declared column")
        for what, chosen in (("item_columns", self.item_columns), ("figures", self.figures)):
            if unknown := set(chosen).difference(names):
                raise ValueError(f"{what}: {min(unknown)!r} is not a declared column")
        if self.decimal == self.thousands:
            raise ValueError("decimal and thousands are the same character")
        self._is_about_persons_as_a_whole()
        return self

    def _is_about_persons_as_a_whole(self) -> None:
        """A table of persons has the columns that the core layer knows, and no others: nothing of it is a figure.

        Without a law and a provision, and with a day, it is a table of households.
        """
        types = {column.name: column.type for column in self.columns}
        if not {"person", "household"}.intersection(types.values()):
            return
        expected = _OF_HOUSEHOLDS if self.tells_households else _OF_PERSONS
        for name, wanted, needed in expected:
            if name in types and types[name] != wanted:
                raise ValueError(f"columns: found {name} as {types[name]}, expected {wanted}")
            if needed and name not in types:
                raise ValueError(f"columns: a table about persons has a column {name} ({wanted})")
        known = {name for name, _, _ in expected}
        others = [name for name, kind in types.items() if name not in known and not kind.startswith("region_")]
        if others:
            raise ValueError(f"columns: {others[0]!r} is no column of a table about persons")

    @property
    def person_column(self) -> Column | None:
        """The column with the numbers of persons, of which only pseudonyms leave the reader; None without one."""
        return next((column for column in self.columns if column.type == "person"), None)

    @property
    def tells_households(self) -> bool:
        """Whether it says of persons in which household they are, and nothing else."""
        names = {column.name for column in self.columns}
        return {"household", "start_date"} <= names and names.isdisjoint({"law", "provision"})

    @property
    def withholds(self) -> bool:
        """Whether nothing of a row may be shown: it is about a person, or holds what somebody wrote."""
        return self.person_column is not None or any(column.type == "open_text" for column in self.columns)

    @property
    def figure_columns(self) -> tuple[Column, ...]:
        """The columns that hold figures, in declared order."""
        if self.figures:
            return tuple(column for column in self.columns if column.name in self.figures)
        return tuple(
            column for column in self.columns if (column.is_numeric or column.codes) and column.name not in self.key
        )

    @property
    def period_column(self) -> Column | None:
        """The column that says of which period a row is; None where the columns have periods of their own."""
        return next((column for column in self.columns if column.type in ("period", "year")), None)


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
    """An ABF Swing export: `period;geolevel;geoitem;<code>...`; special values and yearly levels included.

    CSV, or XLSX with `sheet` (the one with the leading columns where it is not named); the bytes tell which of the two.
    `metadata` is the pattern of the files beside the export that give the unit of its items (`{name}` is the name of
    the export without extension).
    """

    kind: Literal["swing"]
    encoding: Literal["utf-8", "utf-8-sig", "windows-1252"] = "utf-8"
    delimiter: Literal[";", ","] = ";"
    decimal: Literal[",", "."] = ","
    items: tuple[str, ...]
    ignore_headers: tuple[str, ...] = ()
    sheet: str | None = None
    metadata: str | None = None


class SwingOdataReader(Strict):
    """Values of a Swing databank as its OData service writes them: text, with `?` for missing."""

    kind: Literal["swing_odata"]
    decimal: Literal[",", "."] = "."


class IstandaardReader(Strict):
    """Messages of the iWmo or iJw standard: persons, who leave this reader under a keyed hash only.

    `region_codes` maps the four digits of a municipality that does not exist to its code (`9999: VB0001`).
    """

    kind: Literal["istandaard"]
    standard: Literal["iwmo", "ijw"]
    version: Literal["3.2"] = "3.2"
    region_codes: dict[str, str] = Field(default_factory=dict)


class Iv3Headers(Strict):
    """The headers of an Iv3 delivery in CSV. No publisher prescribes them: these are the keys of the JSON."""

    overheidsnummer: str = "overheidsnummer"
    boekjaar: str = "boekjaar"
    periode: str = "periode"
    status: str = "status"
    kant: str = "kant"
    taakveld: str = "taakveld"
    categorie: str = "categorie"
    bedrag: str = "bedrag"


class Iv3Reader(Strict):
    """A municipality's own Iv3 delivery, JSON or CSV; the book year decides which code list holds.

    `amounts` is what they are in: no delivery says it, and the converter of CBS makes euros or thousands as it is told.
    """

    kind: Literal["iv3"]
    amounts: Literal["eur", "eur_1000"]
    headers: Iv3Headers = Iv3Headers()
    _codes: Iv3CodeLists = PrivateAttr(default_factory=Iv3CodeLists)

    @property
    def codes(self) -> Iv3CodeLists:
        """The code lists that the catalogue declares; empty until the loader has given them."""
        return self._codes

    def with_codes(self, codes: Iv3CodeLists) -> Self:
        """The same reader, knowing these code lists."""
        known = self.model_copy()
        known._codes = codes
        return known


class FileVintage(Strict):
    """What the publisher said of a file: which vintage it is, and on what day it came out.

    That day is of the first bytes under the name; others that come under it later have the day they were fetched.
    """

    pattern: str
    label: str
    published: dt.date | None = None


class Series(Strict):
    """Which figures of the source are which indicator.

    `item` is the source's own key: Swing's item code, a tabular column's name, or for CBS the measure's title
    followed by the dimension codes in declared order, separated by `|` (`Cliënten|A019507`).

    `unit` is the publisher's own unit: a figure that comes in another one is quarantined, because per 1,000 and per
    10,000 look alike. Of several items that give one figure, the one with the highest `rank` that has a value counts.

    An entry with a list of codes as `each` stands for one series per code: `{}` in its item is the code, and in its
    indicator the code as an id.
    """

    item: str
    indicator_id: str
    factor: float = 1.0
    unit: str | None = None
    rank: int = 0
    part: str | None = None
    adds_up: bool = False


def _one_for_each(entries: object) -> object:
    """An entry with `each` is one series per code: `{}` is the code in its item, and an id made of it in its indicator.

    `{item: "lasten|{}", indicator_id: "lasten_{}", each: ["6.1", "6.71*"]}` stands for `lasten|6.1` as `lasten_6_1` and
    `lasten|6.71*` as `lasten_6_71`.
    """
    if not isinstance(entries, list | tuple):
        return entries
    made: list[object] = []
    for entry in entries:
        codes = entry.get("each") if isinstance(entry, dict) else None
        if not isinstance(codes, list) or not all(isinstance(code, str) for code in codes):
            made.append(entry)
            continue
        rest = {name: value for name, value in entry.items() if name != "each"}
        made += [
            {
                **rest,
                "item": str(rest.get("item", "")).replace("{}", code),
                "indicator_id": str(rest.get("indicator_id", "")).replace("{}", _as_id(code)),
            }
            for code in codes
        ]
    return made


def _as_id(code: str) -> str:
    return re.sub(r"[^0-9a-z_]", "", code.lower().replace(".", "_"))


Cadence = Literal["monthly", "quarterly", "half_yearly", "yearly", "two_yearly", "four_yearly", "once"]


class Answers(Strict):
    """A table with one row per respondent of a survey: of which question each column holds the answers.

    What leaves it is counted: `aantal|<question>|<answer>`, with the answer in lower case. A column of one answer of a
    question (`<question>|<answer>`) holds points where it is numeric (their sum, and that of their squares), and says
    whether the answer was chosen where it has `codes`.
    """

    columns: dict[str, str] = Field(min_length=1)


class Expected(Strict):
    """Figures that this source should deliver; coverage is judged against these and nothing else.

    `regions` are codes, group codes (`SV-BUCH` stands for its members when `members` is true) or a prefix
    with a star (`VB*`); `periods` is a list, or a first and a last of one kind (`2015H1..2024H2`; `2015H1..`
    goes on to the day of the run). Of a range only the periods in the source's rhythm are expected: of
    `2014..` every fourth year where the cadence is four-yearly.

    A figure is due `due_days` after its period ends, late for `late_days` after that, and then missing.
    """

    regions: tuple[str, ...]
    periods: tuple[str, ...]
    items: tuple[str, ...]
    members: bool = False
    due_days: int = 190
    late_days: Annotated[int, Field(ge=0)] = 90


class KnownGap(Strict):
    """A delivery known to be missing, with the reason somebody gave for it.

    Of a source that will deliver nothing more the periods may go without an end (`2025H1..`).
    """

    regions: tuple[str, ...]
    periods: tuple[str, ...]
    items: tuple[str, ...] = ("*",)
    because: str


# The item of a column that makes a source one of complaints.
COMPLAINTS = "klachten"

# What stands beside the tables of the sources in the schema `raw`.
_OWN_TABLES = frozenset(
    {
        *("client_event", "delivery", "figure", "neighbourhood", "no_data_row"),
        *("person_household", "person_spell", "quarantine", "region"),
    }
)


class Source(Strict):
    """One source: the whole of its declaration."""

    source_id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    title: str
    publisher: str
    licence: str
    owner: str | None = Field(
        default=None, description="who hears of what is wrong with it: a team or a role, never a person; routes alerts"
    )
    url: str | None = None
    cadence: Cadence
    profiles: tuple[Literal["sample", "live"], ...]
    origin: Origin
    connector: Annotated[
        CbsV4Connector | CbsV3Connector | SwingConnector | FolderConnector, Field(discriminator="kind")
    ]
    reader: Annotated[
        CbsV4Reader
        | CbsV3Reader
        | SwingOdataReader
        | DelimitedReader
        | SpreadsheetReader
        | SwingReader
        | IstandaardReader
        | Iv3Reader,
        Field(discriminator="kind"),
    ]
    enabled: bool = Field(default=True, description="false: declared, and left out of every run")
    evidence: Literal["seen", "secondhand", "unconfirmed"] = Field(
        default="seen",
        description="what the declaration rests on: the publisher's own answer or documentation, other people's use "
        "of the table, or neither",
    )
    rounding: int | None = Field(
        default=None, description="figures, as the publisher writes them, are multiples of this"
    )
    suppressed_below: int | None = None
    suppression: Suppression | None = Field(
        default=None, description="counts of persons as a municipality has them: small ones are hidden before they load"
    )
    vintages: tuple[FileVintage, ...] = Field(
        default=(), description="in the order in which they appeared: of two that give one figure, the later counts"
    )
    series: Annotated[tuple[Series, ...], BeforeValidator(_one_for_each)] = ()
    expected: tuple[Expected, ...] = ()
    not_expected_because: str | None = Field(
        default=None,
        min_length=1,
        description="why coverage judges no figure of it, in Dutch, where `expected` is empty",
    )
    known_gaps: tuple[KnownGap, ...] = ()
    constant_region: str | None = Field(
        default=None, description="the region of every row, for a delivery that does not name it"
    )
    attributes: tuple[str, ...] = Field(
        default=(), description="items, stars allowed, that say something of the figures and are no indicator"
    )
    not_delivered_when_all_zero: bool = Field(
        default=False, description="a region whose items of a period are all zero did not deliver them"
    )
    empty_is_zero: bool = Field(
        default=False, description="what a delivered report leaves empty is zero; for series that add up"
    )
    parts: tuple[str, ...] = Field(
        default=(), description="columns or dimensions that divide a period into deliveries of their own"
    )
    answers: Answers | None = Field(
        default=None, description="its rows are respondents of a survey, whose answers are counted"
    )
    person_level: bool = False
    smallest_count: int = Field(
        default=10, ge=10, description="of a source about persons: counts of fewer persons than this are not shown"
    )
    count_rounding: int = Field(
        default=5, ge=1, description="of a source about persons: counts are shown as multiples of this"
    )
    defines_regions: bool = Field(
        default=False, description="its region codes, with the history in their descriptions, are the map"
    )
    defines_neighbourhoods: bool = Field(
        default=False, description="its region codes are the wijken and buurten of each edition's year"
    )
    defines_groups: bool = Field(
        default=False, description="its texts say to which groups of regions each municipality belongs"
    )

    _in_survey: bool = PrivateAttr(default=False)

    def of_survey(self) -> Self:
        """The same source, knowing that it is one of those of a survey."""
        known = self.model_copy()
        known._in_survey = True
        return known

    @property
    def lists_persons(self) -> bool:
        """Whether it is a table with a row per person: of stretches of use, or of households."""
        return isinstance(self.reader, DelimitedReader | SpreadsheetReader) and self.reader.person_column is not None

    @property
    def has_households(self) -> bool:
        """Whether it is a table of persons with the household that they are in."""
        return (
            isinstance(self.reader, DelimitedReader | SpreadsheetReader)
            and self.lists_persons
            and self.reader.tells_households
        )

    @property
    def has_spells(self) -> bool:
        """Whether it is a table of persons with the stretches in which they had a provision."""
        return self.lists_persons and not self.has_households

    @property
    def hides_counts(self) -> bool:
        """Whether it holds counts of people of which some are hidden: protected, of complaints, answers to a survey."""
        if self.suppression is not None or self.answers is not None or self._in_survey:
            return True
        columns = self.reader.figure_columns if isinstance(self.reader, DelimitedReader | SpreadsheetReader) else ()
        return any((column.item or column.name) == COMPLAINTS for column in columns)

    @property
    def makes_pseudonyms(self) -> bool:
        """Whether its reader makes pseudonyms of persons, which takes a key."""
        return isinstance(self.reader, IstandaardReader) or self.lists_persons

    @model_validator(mode="after")
    def _says_that_it_is_about_persons(self) -> Self:
        if self.lists_persons and not self.person_level:
            raise ValueError("person_level: found false, expected true of a table with a column of persons")
        return self

    @model_validator(mode="after")
    def _expects_something_or_nothing(self) -> Self:
        if self.expected and self.not_expected_because is not None:
            raise ValueError("not_expected_because: found a reason beside `expected`, expected one of the two")
        return self

    @model_validator(mode="after")
    def _answers_are_columns_of_people(self) -> Self:
        columns = self.reader.columns if isinstance(self.reader, DelimitedReader | SpreadsheetReader) else ()
        if self.answers is None:
            if any(column.type == "open_text" for column in columns):
                raise ValueError("reader: an open_text column is for a table with `answers`")
            return self
        if unknown := set(self.answers.columns).difference(column.name for column in columns):
            raise ValueError(f"answers: {min(unknown)!r} is not a declared column")
        if not self.person_level:
            raise ValueError("person_level: found false, expected true of a table with one row per respondent")
        return self

    @model_validator(mode="after")
    def _can_be_protected(self) -> Self:
        if self.suppression is None:
            return self
        if not isinstance(self.reader, DelimitedReader | SpreadsheetReader) or self.person_level:
            raise ValueError("suppression: is for tables of counts, in text or in a workbook")
        for column in self.reader.figure_columns:
            whole = column.type == "integer" and column.minimum is not None and column.minimum >= 0
            if not whole and column.type != "percentage":
                raise ValueError(f"suppression: {column.name!r} is no integer with a minimum of 0 or more")
        return self

    @model_validator(mode="after")
    def _one_way_to_the_region(self) -> Self:
        columns = self.reader.columns if isinstance(self.reader, DelimitedReader | SpreadsheetReader) else ()
        named = any(column.type in ("region_name", "region_code") for column in columns)
        without = isinstance(self.reader, CbsV4Reader | CbsV3Reader) and self.reader.region_dimension is None
        if self.constant_region is not None and not without and (named or not columns):
            raise ValueError("constant_region: the file names its regions itself")
        return self

    @model_validator(mode="after")
    def _name_is_free(self) -> Self:
        if self.source_id in _OWN_TABLES or self.source_id.startswith(("region_", "_")):
            raise ValueError(f"source_id: {self.source_id} is a table of the warehouse's own")
        return self

    @model_validator(mode="after")
    def _figures_have_a_period(self) -> Self:
        reader = self.reader
        if self.series and isinstance(reader, DelimitedReader | SpreadsheetReader) and reader.period_column is None:
            without = [column.name for column in reader.figure_columns if column.period is None]
            if without:
                raise ValueError(f"reader: nothing says of which period the figures of {without[0]!r} are")
        return self

    @model_validator(mode="after")
    def _what_is_skipped_says_nothing(self) -> Self:
        # Elsewhere a cell without a figure is a figure that is missing, and somebody has to be told.
        if isinstance(self.connector, CbsV3Connector) and self.connector.skip_empty and not self.empty_is_zero:
            raise ValueError("skip_empty: only where an empty cell is a zero; declare empty_is_zero as well")
        return self

    @model_validator(mode="after")
    def _reader_fits_connector(self) -> Self:
        wanted = self.connector.kind
        if (wanted == "folder") == (self.reader.kind in ("cbs_v4", "cbs_v3", "swing_odata")) or (
            wanted not in ("folder", self.reader.kind)
        ):
            raise ValueError(f"reader: found {self.reader.kind}, which does not read what comes from {wanted}")
        return self
