"""Reading the observations of a CBS table of OData v4: to typed rows and an account.

What belongs here: what the fields of `Observations`, `MeasureCodes`, `RegioSCodes` and `PeriodenCodes` mean,
and which observations cannot be what they say. What does not: fetching the answers (`connectors.cbs_v4`), their form
(`cbs_v4_pages`, `cbs_bulk`), the publisher's period codes (`periods`), and which item is which indicator (the
declaration).

An observation has no physical line of its own: where a line is named, it is its number within its page.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.declarations.source import CbsV3Reader, CbsV4Connector, CbsV4Reader, Source
from pipelines.readers.account import NO_DATA_SCHEMA, Problem, ReadResult
from pipelines.readers.cbs_lists import refusal
from pipelines.readers.cbs_measures import measure_names, measures_meant, unexpected_units
from pipelines.readers.cbs_v4_pages import Answers, OdataAnswers, listed
from pipelines.readers.periods import PERIOD_FORMS, normalise_periods, split_reports
from pipelines.readers.refusal import RefusedFileError, refused
from pipelines.warehouse.raw_tables import CBS

# `edition` is the period of the edition that the code stands in, null for a table that has no editions.
REGION_CODE = pa.schema(
    [
        ("source_id", pa.string()),
        ("region_code", pa.string()),
        ("region_name", pa.string()),
        ("description", pa.string()),
        ("edition", pa.string()),
    ]
)

_RADIX_LIMIT = 2**62


@dataclass(frozen=True)
class _Codes:
    """A column of codes: the distinct codes, trimmed, and for every row the position of its own (or -1)."""

    name: str
    values: pa.Array
    index: np.ndarray

    def texts(self, rows: np.ndarray, of: pa.Array | None = None) -> pa.Array:
        """For the given rows the code, or what stands at its place in `of`; null where there is none."""
        position = self.index[rows]
        return (self.values if of is None else of).take(pa.array(position, mask=position < 0))

    def without(self, known: pa.Array) -> np.ndarray:
        """For every row whether its code is absent or not among `known`."""
        is_known = pc.is_in(self.values, value_set=known).to_numpy(zero_copy_only=False)
        return ~np.append(is_known, False)[self.index]

    def written_as(self, other: Mapping[str, str]) -> _Codes:
        """The column with the codes that `other` knows written as it says."""
        if not other:
            return self
        merged = pa.array([other.get(code, code) for code in self.values.to_pylist()], pa.string()).dictionary_encode()
        # The place behind the last is that of a row without a code.
        place = np.append(merged.indices.to_numpy(), -1)
        return _Codes(self.name, merged.dictionary, place[self.index])


@dataclass
class _Rejections:
    """Which rows are quarantined, each for the first reason that was found."""

    is_rejected: np.ndarray
    reasons: list[tuple[np.ndarray, str, str, str]] = field(default_factory=list)
    of_series: list[tuple[int, str, str, str, str]] = field(default_factory=list)

    def add(self, wrong: np.ndarray, column_name: str, reason: str, expected: str) -> None:
        """Reject rows one by one."""
        if len(rows := self._taken(wrong)):
            self.reasons.append((rows, column_name, reason, expected))

    def add_series(self, wrong: np.ndarray, column_name: str, reason: str, found: str, expected: str) -> None:
        """Reject the rows of one series together, for what is wrong with all of them."""
        if len(rows := self._taken(wrong)):
            found = f"{found} ({len(rows)} observations)" if len(rows) > 1 else found
            self.of_series.append((int(rows[0]), column_name, reason, found, expected))

    def _taken(self, wrong: np.ndarray) -> np.ndarray:
        rows = np.flatnonzero(wrong & ~self.is_rejected)
        self.is_rejected[rows] = True
        return rows


def read_observations(snapshot_files: Mapping[str, bytes], source: Source, period: str | None = None) -> ReadResult:
    """The observations of a snapshot as rows of `raw_tables.CBS`.

    `snapshot_files` are the exact answers by file name: `Dimensions.json`, `MeasureCodes.json`,
    `<Dim>Codes.json` and `Observations.json`, further pages with numbers behind the name; or the one zip of the
    publisher's bulk service. They are read one after the other. `measure` is the measure's code; `item` its name
    (`cbs_measures.measure_names`) and the codes of the declared dimensions, or the titles of these codes where the
    declaration says so, joined by `|`. Units and values are the
    publisher's; codes and texts are trimmed, and region codes written as `reader.region_codes` says.

    `period` is that of all observations, for a table that is one edition of several. Notices name the declared
    measures that the table lacks.

    Quarantined: observations with an unknown code, a value that is no number, all that share one key, and all of a
    series whose unit is not the declared one. The table as a whole is refused when its columns are not as declared,
    and when a dimension that is not declared has more than one code, because figures would then fall together.
    """
    reader = source.reader
    if not isinstance(reader, CbsV4Reader):
        raise TypeError(f"{source.source_id}: found a {reader.kind} reader, expected cbs_v4")
    answers = None
    try:
        answers = _answers(snapshot_files, source, period)
        return read_answers(answers, source, reader, period)
    except RefusedFileError as refusal_:
        return refused(CBS, refusal_.problems, answers.rows if answers else 0)


def read_region_codes(snapshot_files: Mapping[str, bytes], source: Source, period: str | None = None) -> pa.Table:
    """The regions that a table knows, with what the publisher says of their history (REGION_CODE).

    Codes and names are trimmed, codes written as `reader.region_codes` says, descriptions left as they are; `period`
    becomes the `edition`. Empty for a table without regions, and where the list is missing or broken:
    `read_observations` refuses such a table and says why.
    """
    reader = source.reader
    if not isinstance(reader, CbsV4Reader) or reader.region_dimension is None:
        return REGION_CODE.empty_table()
    try:
        codes = _answers(snapshot_files, source, period).list_of(f"{reader.region_dimension}Codes")
    except RefusedFileError:
        return REGION_CODE.empty_table()
    written = [reader.region_codes.get(code, code) for code in codes["Identifier"].to_pylist()]
    return pa.Table.from_arrays(
        [
            pa.repeat(pa.scalar(source.source_id), codes.num_rows),
            pa.array(written, pa.string()),
            codes["Title"],
            codes["Description"],
            pa.repeat(pa.scalar(period, pa.string()), codes.num_rows),
        ],
        schema=REGION_CODE,
    )


def _answers(files: Mapping[str, bytes], source: Source, period: str | None) -> Answers:
    """What the files are, in either form. Raises RefusedFileError for a bulk file that cannot be opened."""
    connector = source.connector
    table: str = source.source_id
    measures: tuple[str, ...] = ()
    if isinstance(connector, CbsV4Connector):
        editions = {edition: table for table, edition in connector.tables}
        table, measures = editions.get(period) or connector.tables[0][0], connector.measures
    if archive := next((name for name in files if name.endswith(".zip")), None):
        from pipelines.readers.cbs_bulk import BulkAnswers

        return BulkAnswers(files[archive], table, measures)
    return OdataAnswers(files, table)


@dataclass(frozen=True)
class _Observed:
    """The observations of a table beside the lists that explain them.

    `period` is None where all of them are of one period; `names` are those of the measures. `titled` has the codes of
    the dimensions that stand in an item by their titles, with the title of each that no other has.
    """

    observations: pa.Table
    column: Mapping[str, _Codes]
    reader: CbsV4Reader | CbsV3Reader
    region: _Codes | None
    period: _Codes | None
    periods: pa.Table
    measures: pa.Table
    names: pa.Array
    titled: Mapping[str, tuple[pa.Table, pa.Array]]
    known: Mapping[str, pa.Array]

    @property
    def measure(self) -> _Codes:
        return self.column["Measure"]

    @property
    def item_key(self) -> list[_Codes]:
        return [self.measure, *(self.column[name] for name in self.reader.dimensions)]

    @property
    def key(self) -> list[_Codes]:
        return [*self.item_key, *(codes for codes in (self.region, self.period) if codes)]


@dataclass(frozen=True)
class _Items:
    """The distinct figures of a table: what each is called, its unit, and for every row the place of its own."""

    names: pa.Array
    units: pa.Array
    index: np.ndarray


def read_answers(answers: Answers, source: Source, reader: CbsV4Reader | CbsV3Reader, period: str | None) -> ReadResult:
    """What `read_observations` gives, for answers in any form. Raises RefusedFileError."""
    if period is not None and not normalise_periods(pa.array([period], pa.string())).equals(pa.array([period])):
        raise refusal(answers.table, None, "unknown_period", f"the edition {period!r}", PERIOD_FORMS)
    # A book year is an edition, and its reports are the periods of it.
    has_reports = reader.period_dimension in source.parts
    observed = _observed(answers, reader, has_period=period is None or has_reports)
    items = _items(observed)
    period_codes = None if observed.period is None else normalise_periods(observed.period.values)
    if period_codes is not None and has_reports:
        # Which report it is stays in `period_raw`.
        period_codes, _ = split_reports(period_codes)
    rejections = _rejections(observed, period_codes)
    for place, expected in unexpected_units(items.names.to_pylist(), items.units.to_pylist(), source).items():
        found = f"{items.units[place].as_py()!r} for {items.names[place].as_py()}"
        wrong = items.index == place
        rejections.add_series(wrong, "Unit", "unexpected_unit", found, f"the declared unit {expected!r}")
    kept = np.flatnonzero(~rejections.is_rejected)
    rows = _rows(observed, items, period_codes, period, kept)
    if source.empty_is_zero:
        # A report is a cube of which nearly every cell is empty; what is empty adds nothing to any sum.
        rows = rows.filter(pc.or_(pc.is_valid(rows["value"]), pc.equal(rows["value_attribute"], "Confidential")))
    return ReadResult(
        rows=rows,
        no_data=NO_DATA_SCHEMA.empty_table(),
        rows_in=answers.rows,
        rows_loaded=rows.num_rows,
        rows_no_data=len(kept) - rows.num_rows,
        rows_quarantined=answers.rows - len(kept),
        problems=_problems(rejections, observed.observations, answers),
        notices=(*answers.notices, *_lacking(answers, source, observed.measures)),
    )


def _observed(answers: Answers, reader: CbsV4Reader | CbsV3Reader, *, has_period: bool) -> _Observed:
    """Everything of the table, parsed and fit for the declared reader. Raises RefusedFileError."""
    table = answers.table
    dimensions = answers.list_of("Dimensions")
    names = dimensions["Identifier"].to_pylist()
    measures = answers.list_of("MeasureCodes")
    observations = answers.observations(names)
    period = reader.period_dimension if has_period else None
    if has_period and period is None:
        raise refusal(table, None, "unknown_period", "no period dimension", "a table that is declared as an edition")
    declared = [name for name in (reader.region_dimension, period, *reader.dimensions) if name]
    for name in declared:
        if name not in names:
            raise refusal(table, name, "missing_column", f"dimensions {listed(names)}", f"a dimension {name}")
    column = {name: _codes(name, observations[name]) for name in ("Measure", *names)}
    _refuse_falling_together(table, [column[name] for name in names if name not in declared])
    has_codes = dict(zip(names, dimensions["ContainsCodes"].to_pylist(), strict=True))
    return _Observed(
        observations=observations,
        column=column,
        reader=reader,
        region=column[reader.region_dimension].written_as(reader.region_codes) if reader.region_dimension else None,
        period=column[period] if period else None,
        periods=answers.list_of(f"{period}Codes") if period else measures.schema.empty_table(),
        measures=measures,
        names=pa.array(measure_names(measures, _groups(answers)), pa.string()),
        titled={name: _titled(answers.list_of(f"{name}Codes")) for name in reader.titled},
        known={
            name: answers.list_of(f"{name}Codes")["Identifier"].combine_chunks()
            for name in declared
            if name != period and has_codes[name] is not False
        },
    )


def _groups(answers: Answers) -> pa.Table | None:
    """The groups of measures: many a table has none."""
    return answers.list_of("MeasureGroups") if answers.has("MeasureGroups") else None


def _lacking(answers: Answers, source: Source, measures: pa.Table) -> tuple[str, ...]:
    """A notice for every declared measure that the table lacks."""
    declared = source.connector.measures if isinstance(source.connector, CbsV4Connector) else ()
    _, lacking = measures_meant(declared, measures, _groups(answers))
    return tuple(f"{answers.table}: no measure is called {title!r}" for title in lacking)


def _rejections(observed: _Observed, period_codes: pa.Array | None) -> _Rejections:
    """Which observations cannot be what they say. Keys come first: what has none cannot be a duplicate."""
    rejections = _Rejections(np.zeros(observed.observations.num_rows, dtype=bool))
    unknown = observed.measure.without(observed.measures["Identifier"].combine_chunks())
    rejections.add(unknown, "Measure", "unknown_item", "a code of MeasureCodes")
    if (period := observed.period) is not None:
        unknown = period.without(observed.periods["Identifier"].combine_chunks())
        unknown |= period.without(period.values.filter(pc.is_valid(period_codes)))
        expected = f"a period of {period.name}Codes, such as 2016JJ00, 2016HJ02, 2016KW03 or 2016MM07"
        rejections.add(unknown, period.name, "unknown_period", expected)
    for name, known in observed.known.items():
        reason = "unknown_region" if name == observed.reader.region_dimension else "unknown_item"
        rejections.add(observed.column[name].without(known), name, reason, f"a code of {name}Codes")
    _reject_duplicates(rejections, observed.key)

    numbers = observed.observations["Value"]
    is_finite = np.isfinite(numbers.chunk(0).to_numpy(zero_copy_only=False))
    is_endless = ~is_finite & numbers.is_valid().to_numpy()
    is_text = observed.observations["value_text"].is_valid().to_numpy()
    no_id = observed.observations["Id"].is_null().to_numpy()
    rejections.add(no_id, "Id", "missing_value", "the number of the observation")
    rejections.add(is_text, "Value", "not_a_number", "a number or null")
    rejections.add(is_endless, "Value", "not_a_number", "a finite number or null")
    return rejections


def _rows(
    observed: _Observed, items: _Items, period_codes: pa.Array | None, period: str | None, kept: np.ndarray
) -> pa.Table:
    """The observations that are kept, as rows of the raw table."""
    observations, place = observed.observations, pa.array(items.index[kept])
    if observed.period is None:
        constant = pa.repeat(pa.scalar(period, pa.string()), len(kept))
        periods = [constant, constant, pa.nulls(len(kept), pa.string())]
    else:
        status = _looked_up(observed.period, observed.periods, observed.periods["Status"])
        periods = [observed.period.texts(kept, of) for of in (None, period_codes, status)]
    return pa.Table.from_arrays(
        [
            observations["Id"].chunk(0).take(kept),
            items.names.take(place),
            observed.measure.texts(kept),
            items.units.take(place),
            observed.region.texts(kept) if observed.region else pa.nulls(len(kept), pa.string()),
            *periods,
            observations["Value"].chunk(0).take(kept),
            _codes("ValueAttribute", observations["ValueAttribute"]).texts(kept),
            _codes("StringValue", observations["StringValue"]).texts(kept),
        ],
        schema=CBS,
    )


def _codes(name: str, column: pa.ChunkedArray) -> _Codes:
    encoded = column.chunk(0)
    trimmed = pc.utf8_trim_whitespace(encoded.dictionary)
    # Codes that differ in padding only are one code, and nothing but blanks is none.
    merged = pc.if_else(pc.equal(trimmed, ""), None, trimmed).dictionary_encode()
    index = merged.indices.take(encoded.indices).cast(pa.int64()).fill_null(-1)
    return _Codes(name, merged.dictionary, index.to_numpy())


def _refuse_falling_together(table: str, undeclared: Iterable[_Codes]) -> None:
    for codes in undeclared:
        if codes.index.min() != codes.index.max():
            shown = listed(codes.values.slice(0, 5).to_pylist())
            raise refusal(
                table,
                codes.name,
                "not_allowed",
                f"{len(codes.values)} codes ({shown}{', ...' if len(codes.values) > 5 else ''})",
                "one code: filter on this dimension, or declare it among the dimensions",
            )


def _reject_duplicates(rejections: _Rejections, key: Sequence[_Codes]) -> None:
    rows = np.flatnonzero(~rejections.is_rejected)
    _, inverse, counts = np.unique(_combined(key, rows), return_inverse=True, return_counts=True)
    repeated = np.zeros(len(rejections.is_rejected), dtype=bool)
    repeated[rows] = counts[inverse] > 1
    names = " and ".join(codes.name for codes in key)
    rejections.add(repeated, "Id", "duplicate_key", f"one observation for each {names}")


def _combined(key: Sequence[_Codes], rows: np.ndarray) -> np.ndarray:
    """One number for every row that is the same where all codes are."""
    combined, size = np.zeros(len(rows), dtype=np.int64), 1
    for codes in key:
        if size * (len(codes.values) + 1) > _RADIX_LIMIT:
            values, combined = np.unique(combined, return_inverse=True)
            size = len(values)
        size *= len(codes.values) + 1
        combined = combined * (len(codes.values) + 1) + codes.index[rows]
    return combined


def _items(observed: _Observed) -> _Items:
    """The figures of the table, each written out once. One without a known measure has no name."""
    measure, *dimensions = observed.item_key
    _, example, index = np.unique(
        _combined(observed.item_key, np.arange(observed.observations.num_rows)), return_index=True, return_inverse=True
    )
    parts = [measure.texts(example, _looked_up(measure, observed.measures, observed.names))]
    for codes in dimensions:
        titled = observed.titled.get(codes.name)
        parts.append(codes.texts(example, None if titled is None else _looked_up(codes, *titled)))
    units = measure.texts(example, _looked_up(measure, observed.measures, observed.measures["Unit"]))
    return _Items(pc.binary_join_element_wise(*parts, "|"), units, index)


def _titled(entries: pa.Table) -> tuple[pa.Table, pa.Array]:
    """Codes of a dimension, and what to call each: its title, with the code in brackets where another has it too."""
    return entries, pa.array(measure_names(entries, None), pa.string())


def _looked_up(codes: _Codes, known: pa.Table, column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """For every distinct code what `column` says of it, which stands beside the identifiers of `known`."""
    position = pc.index_in(codes.values, value_set=known["Identifier"].combine_chunks())
    flat = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    return flat.take(position)


def _problems(rejections: _Rejections, observations: pa.Table, answers: Answers) -> tuple[Problem, ...]:
    """What is wrong, in the order of the observations."""
    found = [(row, *cause) for rows, *cause in rejections.reasons for row in rows.tolist()]
    causes = [(row, name, reason, None, expected) for row, name, reason, expected in found] + rejections.of_series
    if not causes:
        return ()
    causes.sort(key=lambda cause: cause[0])
    records = observations.take(pa.array([cause[0] for cause in causes])).to_pylist()
    problems = []
    for (row, column_name, reason, said, expected), record in zip(causes, records, strict=True):
        text = record.pop("value_text")
        if text is not None:
            record["Value"] = text
        file, line = answers.place_of(row)
        raw_text = json.dumps(record, ensure_ascii=False)
        shown = raw_text if reason == "duplicate_key" else repr(record.get(column_name))
        problems.append(Problem(file, line, None, column_name, reason, said or shown, expected, raw_text))
    return tuple(problems)
