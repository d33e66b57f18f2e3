"""A table of OData v3: rows with a column for every topic, made into figures that stand below one another.

What belongs here: what `DataProperties` says of the columns, and what the cells of a row mean. What does not: asking
for them (`connectors.cbs_v3`), which figures cannot be what they say (`cbs_v3`), and the period codes (`periods`).

A table may come without `DataProperties`: its columns then speak for themselves. A topic's name ends in its position
(`WmoClienten_85`); a dimension's does not.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.readers.odata_rows import (
    RowReader,
    RowTypeError,
    as_codes,
    as_texts,
    changed_fields,
    first_row,
    texts_of,
)

ID: Final = "ID"
TYPED, UNTYPED = "TypedDataSet", "UntypedDataSet"
# Amounts in thousands go lower than these for real (a correction of -446,327 in the accounts of 2023).
LOWEST_SENTINEL, SENTINELS_BELOW = -99999, -99990
_NINES: Final = (-9_999_999, -99_999_999, -999_999_999)
# What a missing figure is called, in the words of OData v4.
PRESENT, IMPOSSIBLE, CONFIDENTIAL, NOT_AVAILABLE = "None", "Impossible", "Confidential", "NotAvailable"
_OF_SENTINEL: Final = {"-99997": CONFIDENTIAL, "-99998": IMPOSSIBLE}
_OF_SIGN: Final = {"": IMPOSSIBLE, ".": NOT_AVAILABLE, "x": CONFIDENTIAL, "X": CONFIDENTIAL}
_TEXT_TYPES: Final = ("string", "text", "datetime", "date", "boolean")
_POSITION: Final = re.compile(r"_[0-9]+$")
_NOT_A_DIMENSION: Final = frozenset({"TableInfos", "DataProperties", "CategoryGroups", TYPED, UNTYPED})
NUMBER: Final = r"^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$"


@dataclass(frozen=True)
class Topic:
    """One column of figures. `number` is its place among all topics of the table, from 0."""

    key: str
    title: str
    unit: str | None
    group: str | None
    number: int
    is_text: bool | None = None

    @property
    def stem(self) -> str:
        """The key without its position, which moves between editions of a table."""
        return _POSITION.sub("", self.key)


@dataclass(frozen=True)
class WideTable:
    """The columns of a table. `period` is the name of its time dimension; None where it has none."""

    dimensions: tuple[str, ...]
    period: str | None
    topics: tuple[Topic, ...]
    titles: Mapping[str, str]

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns of figures and dimensions."""
        return (*self.dimensions, *(topic.key for topic in self.topics))

    def only(self, topics: Iterable[str]) -> WideTable:
        """The table with these topics, by key."""
        wanted = set(topics)
        kept = tuple(topic for topic in self.topics if topic.key in wanted)
        return WideTable(self.dimensions, self.period, kept, self.titles)


def taken_for_missing(count: int) -> str:
    """What there is to say of numbers that stand for missing figures."""
    numbers = f"{count} numbers from {LOWEST_SENTINEL} to {SENTINELS_BELOW}"
    return f"{numbers} are taken for missing figures; string_value holds them"


def topic_names(table: WideTable) -> list[str]:
    """For every topic the name that no other topic of the table has.

    That is its title; where several have that title, the title of its group in front of it (`Arbeidsvolume: Totaal`);
    where that leaves two alike, its key in brackets behind it, as far as possible without the position.
    """
    times = Counter(topic.title for topic in table.topics)
    stems = Counter((topic.title, topic.stem) for topic in table.topics)
    grouped = [_with_group(topic, table) for topic in table.topics]
    names = [name if times[topic.title] > 1 else topic.title for name, topic in zip(grouped, table.topics, strict=True)]
    taken = Counter(names)
    return [
        name
        if taken[name] == 1
        else f"{topic.title} ({topic.stem if stems[topic.title, topic.stem] == 1 else topic.key})"
        for name, topic in zip(names, table.topics, strict=True)
    ]


def topics_meant(titles: Sequence[str], table: WideTable) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The keys of the topics that declared titles mean, in the table's order, and the titles that mean none.

    A title means every topic that has it; with its group in front, or its key in brackets behind it, the one that is
    called so. A stem (`WmoClienten`) means the topics whose key it is without the position. Titles are compared
    exactly, after trimming.
    """
    called = [
        {topic.title, name, _with_group(topic, table), topic.stem, topic.key}
        for topic, name in zip(table.topics, topic_names(table), strict=True)
    ]
    wanted = [title.strip() for title in titles]
    meant = tuple(topic.key for topic, names in zip(table.topics, called, strict=True) if names & set(wanted))
    return meant, tuple(dict.fromkeys(title for title in wanted if not any(title in names for names in called)))


def _with_group(topic: Topic, table: WideTable) -> str:
    group = table.titles.get(topic.group or "")
    return f"{group}: {topic.title}" if group else topic.title


@dataclass(frozen=True)
class Figures:
    """The figures of one topic in one page, one for every row.

    `attributes` (PRESENT and the like, dictionary-encoded) and `texts` are None where there is nothing to tell: no
    figure is missing, or none has a text. `wrong` says which are neither a number nor a sign for a missing one; None
    where none is. `stand_ins` is how many numbers were taken for missing figures.
    """

    values: pa.Array
    attributes: pa.DictionaryArray | None
    texts: pa.Array | None
    wrong: pa.Array | None = None
    stand_ins: int = 0


def described(properties: Sequence[Mapping[str, Any]]) -> WideTable:
    """The columns of a table as its DataProperties say."""
    dimensions: dict[str, str] = {}
    topics: list[Topic] = []
    groups: dict[str, str] = {}
    for entry in properties:
        kind, key = str(entry.get("Type") or ""), str(entry.get("Key") or "").strip()
        title = str(entry.get("Title") or key).strip()
        if kind.endswith("Group"):
            groups[str(entry.get("ID"))] = title
        elif kind.endswith("Topic") and key:
            parent = entry.get("ParentID")
            unit = str(entry.get("Unit") or "").strip()
            datatype = str(entry.get("Datatype") or "").lower()
            topics.append(
                Topic(
                    key=key,
                    title=title,
                    unit=unit or None,
                    group=None if parent is None else str(parent),
                    number=len(topics),
                    is_text=datatype.startswith(_TEXT_TYPES) if datatype else None,
                )
            )
        elif key:
            dimensions[key] = kind
    period = next((name for name, kind in dimensions.items() if kind == "TimeDimension"), None)
    return WideTable(tuple(dimensions), period or _called_period(dimensions), tuple(topics), groups)


def seen(row: Mapping[str, Any], offered: Iterable[str] = (), *, untyped: bool = False) -> WideTable:
    """The columns of a table that nothing describes: from a row, and from the lists that the service offers of it."""
    named = [name for name in row if name != ID and "odata." not in name]
    lists = set(offered) - _NOT_A_DIMENSION
    dimensions = [name for name in named if (name in lists if lists else not _POSITION.search(name))]
    keys = [name for name in named if name not in dimensions]
    topics = tuple(
        Topic(key, _POSITION.sub("", key), None, None, number, None if untyped else isinstance(row[key], str) or None)
        for number, key in enumerate(keys)
    )
    return WideTable(tuple(dimensions), _called_period(dimensions), topics, {})


def _called_period(dimensions: Iterable[str]) -> str | None:
    return next((name for name in dimensions if name.lower() == "perioden"), None)


@dataclass(frozen=True)
class WidePage:
    """The rows of one page: their numbers, where they have them, the codes of each dimension, the figures by topic."""

    rows: int
    ids: pa.Array | None
    codes: Mapping[str, pa.DictionaryArray]
    figures: Mapping[str, Figures]


class WideReader:
    """Reads the pages of a table: the topics of `wanted`, in rows that may hold those of `whole`.

    `untyped` is how the data set came, in which all is text. Several threads may use it.
    """

    def __init__(self, whole: WideTable, wanted: WideTable, *, untyped: bool) -> None:
        self.table = wanted
        self._whole, self._untyped = whole, untyped
        self._readers: dict[tuple[str, ...], RowReader] = {}

    def read(self, payload: bytes) -> WidePage:
        """The figures of a page. Raises ValueError for bytes that are no page, or a page of another table."""
        row = first_row(payload)
        found = self.table.columns if row is None else tuple(row)
        if row is not None and (problem := self.changed(row)):
            raise ValueError(problem)
        reader = self._reader_of(tuple(name for name in found if "odata." not in name))
        is_text = {topic.key: pa.types.is_string(reader.fields[topic.key]) for topic in self.table.topics}
        try:
            column = reader.read(payload)
        except RowTypeError:
            column = texts_of(payload, reader.fields)
            is_text = dict.fromkeys(is_text, True)
            if ID in column:
                column[ID] = _whole_numbers(column[ID])
        return WidePage(
            rows=len(next(iter(column.values()))),
            ids=column.get(ID),
            codes={name: as_codes(column[name]) for name in self.table.dimensions},
            figures={
                topic.key: texts(as_texts(column[topic.key]), topic.is_text)
                if is_text[topic.key]
                else numbers(column[topic.key])
                for topic in self.table.topics
            },
        )

    def changed(self, row: Iterable[str]) -> str | None:
        """What is wrong with the columns of a row; None if nothing. More topics than were asked for are no matter."""
        return changed_fields(list(row), self.table.columns, (ID, *self._whole.columns))

    def _reader_of(self, names: tuple[str, ...]) -> RowReader:
        reader = self._readers.get(names)
        if reader is None:
            numeric = {topic.key for topic in self._whole.topics if topic.is_text is not True and not self._untyped}
            types = {name: pa.float64() if name in numeric else pa.string() for name in names}
            reader = self._readers[names] = RowReader(types | ({ID: pa.int64()} if ID in names else {}))
        return reader


def _whole_numbers(cells: pa.Array) -> pa.Array:
    is_number = pc.match_substring_regex(cells, r"^-?[0-9]{1,18}$")
    return pc.if_else(is_number, cells, None).cast(pa.int64())


def numbers(values: pa.Array) -> Figures:
    """Figures that came as numbers. What stands for a missing one is missing here, and told by its text."""
    is_endless = pc.invert(pc.is_finite(values))
    stands_in = pc.or_(
        pc.and_(pc.less(values, SENTINELS_BELOW), pc.greater_equal(values, LOWEST_SENTINEL)),
        pc.is_in(values, value_set=pa.array(_NINES, values.type)),
    )
    odd = pc.or_(stands_in, is_endless)
    if not values.null_count and not pc.any(odd).as_py():
        return Figures(values, None, None)
    is_odd = pc.fill_null(odd, False)
    if not pc.any(is_odd).as_py():
        missing = values.is_null().cast(pa.int32())
        return Figures(values, pa.DictionaryArray.from_arrays(missing, [PRESENT, NOT_AVAILABLE]), None)
    told = pc.if_else(is_odd, _written(values), None)
    kept = pc.if_else(is_odd, None, values)
    attributes = pc.if_else(kept.is_valid(), PRESENT, _called(told, _OF_SENTINEL, NOT_AVAILABLE))
    is_wrong = pc.fill_null(is_endless, False) if pc.any(is_endless).as_py() else None
    stand_ins = pc.sum(stands_in).as_py()
    return Figures(kept, attributes.dictionary_encode(), told, is_wrong, stand_ins)


def texts(cells: pa.Array, is_text: bool | None) -> Figures:
    """Figures that came as text, left-padded. A text that is no figure stays a text.

    It is `wrong` in a topic of numbers (`is_text` False).
    """
    cell = pc.fill_null(pc.utf8_trim_whitespace(cells), "")
    # A star marks a provisional figure, which the status of its period says as well.
    bare = pc.utf8_rtrim(cell, "*")
    is_number = bare.is_null() if is_text else pc.match_substring_regex(bare, NUMBER)
    found = numbers(pc.if_else(is_number, bare, None).cast(pa.float64()))
    is_sign = pc.is_in(bare, value_set=pa.array(list(_OF_SIGN), pa.string()))
    is_word = pc.and_not(pc.invert(is_number), is_sign)
    of_numbers = PRESENT if found.attributes is None else as_texts(found.attributes)
    attributes = pc.if_else(is_number, of_numbers, _called(bare, _OF_SIGN, PRESENT)).dictionary_encode()
    is_told = pc.and_(found.values.is_null(), pc.not_equal(cell, ""))
    is_wrong = found.wrong
    if is_text is False and pc.any(is_word).as_py():
        is_wrong = is_word if is_wrong is None else pc.or_(is_word, is_wrong)
    return Figures(found.values, attributes, pc.if_else(is_told, cell, None), is_wrong, found.stand_ins)


def _written(values: pa.Array) -> pa.Array:
    """Numbers as text, whole ones without a point."""
    return pc.replace_substring_regex(values.cast(pa.string()), r"\.0$", "")


def _called(written: pa.Array, names: Mapping[str, str], other: str) -> pa.Array:
    """What missing figures are called, by how they are written."""
    place = pc.index_in(written, value_set=pa.array(list(names), pa.string()))
    return pc.fill_null(pa.array(list(names.values()), pa.string()).take(place), other)
