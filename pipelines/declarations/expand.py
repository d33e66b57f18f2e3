"""What the declarations stand for, as tables of the warehouse schema `declared`.

What belongs here: laying out groups, patterns and period ranges into rows, by cross products of arrays. What
does not: reading the files (`load`) and writing the tables.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.declarations.benchmark_tables import benchmark_rows
from pipelines.declarations.catalogue import country_of
from pipelines.declarations.declared_schema import SCHEMAS
from pipelines.declarations.finance import finance_rows
from pipelines.declarations.iv3_tables import iv3_rows
from pipelines.declarations.key_figures import key_figure_rows
from pipelines.declarations.load import Declarations
from pipelines.declarations.patterns import items_of, like_pattern, matching
from pipelines.declarations.provisions import provision_rows
from pipelines.declarations.rhythms import in_rhythm
from pipelines.declarations.source import Cadence, Expected, KnownGap, Source
from pipelines.declarations.surveys import survey_items, survey_rows
from pipelines.periods import expand_periods, period_bounds

_TEXT = pa.string()


def declared_tables(
    declarations: Declarations, all_region_codes: pa.Table, today: dt.date | None = None
) -> dict[str, pa.Table]:
    """The tables of the schema `declared`, by name, with the columns of SCHEMAS; empty ones included.

    `all_region_codes` holds the regions that the publishers know (region_code, region_type, and what else
    there is); the declared ones need not be in it. They say what a country or a prefix with a star stands
    for. What is expected without an end goes up to `today`; without a day, such a declaration raises ValueError.
    """
    regions = _Regions(declarations, all_region_codes)
    expected = _expected(declarations, regions, today)
    rows: dict[str, list[dict[str, object]]] = {
        "indicator": [
            {**indicator.model_dump(), "rate_factor": indicator.rate_factor} for indicator in declarations.indicators
        ],
        "indicator_definition": [
            {"indicator_id": indicator.indicator_id, **version.model_dump()}
            for indicator in declarations.indicators
            for version in indicator.definitions
        ],
        "region": _region_rows(declarations),
        "region_member": [
            {"group_code": group.code, "member_code": member}
            for group in declarations.groups
            for member in group.members
        ],
        "source": [_source_row(source) for source in declarations.sources],
        "key_figure": key_figure_rows(declarations.key_figures),
        "rhythm": [rhythm.model_dump(exclude={"expected"}) for rhythm in declarations.rhythms],
        "series": [
            {
                "source_id": source.source_id,
                "item_like": like_pattern(series.item),
                **series.model_dump(exclude={"unit"}),
            }
            for source in declarations.sources
            for series in source.series
        ],
        "attribute": _attribute_rows(declarations),
        "event": [
            {
                **event.model_dump(exclude={"region_codes", "indicator_ids"}),
                "window_start": event.window[0],
                "window_end": event.window[1],
                "region_codes": "|".join(event.region_codes),
                "indicator_ids": "|".join(event.indicator_ids),
            }
            for event in declarations.events
        ],
        "goal": [
            {
                **goal.model_dump(exclude={"rule"}),
                "rule_kind": goal.rule.kind,
                "rule_value": goal.rule.value,
                "rule_by_date": goal.rule.by_date,
            }
            for goal in declarations.goals
        ],
        "printed_figure": [figure.model_dump() for figure in declarations.printed_figures],
        "decision": [
            {**decision.model_dump(), "decided_by": decision.who, "decided_on": decision.when}
            for decision in declarations.decisions
        ],
        "correction": [
            {**correction.model_dump(), "corrected_by": correction.who, "corrected_on": correction.when}
            for correction in declarations.corrections
        ],
        **iv3_rows(declarations.iv3, [indicator.indicator_id for indicator in declarations.indicators]),
        **benchmark_rows(
            declarations.benchmark, declarations.iv3, [indicator.indicator_id for indicator in declarations.indicators]
        ),
        **survey_rows(declarations.surveys),
        **provision_rows(
            declarations.provisions,
            declarations.crisis_products,
            declarations.referrers,
            declarations.wijkteam_providers,
        ),
        **finance_rows(
            declarations.taakgebieden,
            declarations.measures,
            declarations.realised,
            declarations.iv3,
            [indicator.indicator_id for indicator in declarations.indicators],
        ),
    }
    return {
        **{name: pa.Table.from_pylist(found, schema=SCHEMAS[name]) for name, found in rows.items()},
        "event_scope": _event_scope(declarations, regions),
        "expected": expected,
        "known_gap": _known_gaps(declarations, regions, expected, today),
    }


def _region_rows(declarations: Declarations) -> list[dict[str, object]]:
    return [
        {
            **region.model_dump(),
            "region_code": region.code,
            "region_name": region.name,
            "country_code": country_of(region, declarations.regions),
        }
        for region in (*declarations.regions, *declarations.groups)
    ]


def _attribute_rows(declarations: Declarations) -> list[dict[str, object]]:
    own: list[dict[str, object]] = [
        {"source_id": source.source_id, "item_like": like_pattern(item)}
        for source in declarations.sources
        for item in source.attributes
    ]
    return own + survey_items(declarations.surveys)


def _source_row(source: Source) -> dict[str, object]:
    return {
        **source.model_dump(include=set(SCHEMAS["source"].names) - {"connector", "reader"}),
        "is_fictional": source.origin.fictional,
        "hides_counts": source.hides_counts,
        "connector": source.connector.kind,
        "reader": source.reader.kind,
        "citation": source.origin.citation,
    }


class _Regions:
    """Which codes a declared code, group or prefix stands for."""

    def __init__(self, declarations: Declarations, all_region_codes: pa.Table) -> None:
        declared = [(region.code, region.region_type) for region in declarations.regions]
        known = pa.concat_tables(
            [
                all_region_codes.select(["region_code", "region_type"]).cast(_CODES),
                pa.table([*map(list, zip(*declared, strict=True))] if declared else [[], []], schema=_CODES),
            ]
        )
        municipal = pc.equal(known["region_type"], "gemeente")
        self._municipalities = _distinct(known.filter(municipal)["region_code"])
        national = pc.or_(municipal, pc.equal(known["region_type"], "land"))
        self._countries_too = _distinct(known.filter(national)["region_code"])
        self._members = {group.code: list(group.members) for group in declarations.groups}
        self._prefix = {
            region.code: region.country_prefix for region in declarations.regions if region.region_type == "land"
        }

    def below(self, code: str) -> pa.Array:
        """The members of a group, or the municipalities of a country; none for anything else."""
        if code in self._prefix:
            return self._municipalities.filter(pc.starts_with(self._municipalities, self._prefix[code]))
        return pa.array(self._members.get(code, []), _TEXT)

    def with_itself(self, codes: Iterable[str]) -> pa.Array:
        """Every code, and what is below it."""
        return _together([part for code in codes for part in (pa.array([code], _TEXT), self.below(code))])

    def expected(self, codes: Iterable[str], members: bool) -> pa.Array:
        """The codes themselves or, with `members`, what is below those that are groups or countries.

        A prefix with a star stands for the municipalities and countries that begin so.
        """
        return _together([self._one(code, members) for code in codes])

    def _one(self, code: str, members: bool) -> pa.Array:
        if code.endswith("*"):
            return self._countries_too.filter(pc.starts_with(self._countries_too, code[:-1]))
        below = self.below(code)
        return below if members and len(below) else pa.array([code], _TEXT)

    def of_gap(self, codes: Iterable[str]) -> pa.Array:
        """All that a gap may be about: the codes, what is below them, and what a prefix stands for."""
        codes = list(codes)
        plain = [code for code in codes if not code.endswith("*")]
        return _together([self.with_itself(plain), self.expected(set(codes) - set(plain), members=False)])


_CODES = pa.schema([("region_code", _TEXT), ("region_type", _TEXT)])


def _distinct(codes: pa.Array | pa.ChunkedArray) -> pa.Array:
    return pc.unique(pc.drop_null(codes)).sort()


def _together(parts: Sequence[pa.Array]) -> pa.Array:
    return pc.unique(pa.concat_arrays(parts)) if parts else pa.array([], _TEXT)


def _crossed(*columns: pa.Array) -> list[pa.Array]:
    """The cross product of arrays, as arrays of equal length; the last one varies fastest."""
    places = np.indices([len(column) for column in columns]).reshape(len(columns), -1)
    return [column.take(pa.array(place)) for column, place in zip(columns, places, strict=True)]


def _joined(table: pa.Table, keys: Sequence[str]) -> pa.Array:
    joined = pc.binary_join_element_wise(*(table[key] for key in keys), "\x1f")
    return joined.combine_chunks()


def _first_of_each(table: pa.Table, keys: Sequence[str]) -> pa.Table:
    """The first row of every key, sorted by key."""
    _, first = np.unique(_joined(table, keys).dictionary_encode().indices.to_numpy(), return_index=True)
    return table.take(pa.array(first)).sort_by([(key, "ascending") for key in keys])


def _event_scope(declarations: Declarations, regions: _Regions) -> pa.Table:
    schema = SCHEMAS["event_scope"]
    ids = [indicator.indicator_id for indicator in declarations.indicators]
    tables = [
        pa.table(
            _crossed(
                pa.array([event.event_id], _TEXT),
                regions.with_itself(event.region_codes),
                pa.array(matching(event.indicator_ids, ids), _TEXT),
            ),
            schema=schema,
        )
        for event in declarations.events
    ]
    return pa.concat_tables([schema.empty_table(), *tables])


_CELL = ["source_id", "indicator_id", "region_code", "period_code"]


def _expected(declarations: Declarations, regions: _Regions, today: dt.date | None) -> pa.Table:
    schema = SCHEMAS["expected"]
    wishes = [
        (source.source_id, source.cadence, wanted, _wanted_figures(source, wanted))
        for source in declarations.sources
        for wanted in source.expected
    ] + [
        # Nobody has seen what its figures are called: they go by the indicator.
        (rhythm.source_id, rhythm.cadence, wanted, [(item, item) for item in wanted.items])
        for rhythm in declarations.rhythms
        for wanted in rhythm.expected
    ]
    tables = [_expected_cells(*wish, regions, today).select(schema.names) for wish in wishes]
    every = pa.concat_tables([schema.empty_table(), *tables])
    # What two entries or two items ask for is expected once, on the earlier day; one that wants a figure goes before
    # one that does not.
    by_day = every.sort_by([("in_rhythm", "descending"), ("due_date", "ascending")])
    return _first_of_each(by_day, _CELL).sort_by([(key, "ascending") for key in ("source_id", "item", *_CELL[1:])])


def _expected_cells(
    source_id: str,
    cadence: Cadence,
    wanted: Expected,
    figures: Sequence[tuple[str, str]],
    regions: _Regions,
    today: dt.date | None,
) -> pa.Table:
    ranges = [expand_periods([expression], today) for expression in wanted.periods]
    periods = [period for found in ranges for period in found]
    measured = [flag for found in ranges for flag in in_rhythm(found, cadence)]
    due = [period_bounds(period)[1] + dt.timedelta(days=wanted.due_days) for period in periods]
    late = [day + dt.timedelta(days=wanted.late_days) for day in due]
    of_figure, region, of_period = _crossed(
        pa.array(range(len(figures)), pa.int64()),
        regions.expected(wanted.regions, wanted.members),
        pa.array(range(len(periods)), pa.int64()),
    )
    return pa.table(
        {
            "source_id": pa.repeat(pa.scalar(source_id, _TEXT), len(region)),
            "item": pa.array([item for item, _ in figures], _TEXT).take(of_figure),
            "indicator_id": pa.array([indicator for _, indicator in figures], _TEXT).take(of_figure),
            "region_code": region,
            "period_code": pa.array(periods, _TEXT).take(of_period),
            "due_date": pa.array(due, pa.date32()).take(of_period),
            "late_until": pa.array(late, pa.date32()).take(of_period),
            "in_rhythm": pa.array(measured, pa.bool_()).take(of_period),
        }
    )


def _wanted_figures(source: Source, wanted: Expected) -> list[tuple[str, str]]:
    return [pair for item in items_of(source, wanted.items) for pair in _indicators_of(source, item)]


def _indicators_of(source: Source, item: str) -> list[tuple[str, str]]:
    """The item with each indicator that it is; an amount of money is no series, and stands for itself."""
    found = [(item, series.indicator_id) for series in source.series if series.item == item]
    return found or [(item, item)]


def _known_gaps(declarations: Declarations, regions: _Regions, expected: pa.Table, today: dt.date | None) -> pa.Table:
    schema = SCHEMAS["known_gap"]
    keys = schema.names[:-1]
    tables = [
        pa.table(_gap_cells(source, gap, regions, today), schema=schema)
        for source in declarations.sources
        for gap in source.known_gaps
    ]
    unconnected = [
        cells.append_column("because", pa.repeat(pa.scalar(rhythm.because_nl, _TEXT), len(cells)))
        for rhythm in declarations.rhythms
        for cells in [expected.filter(pc.equal(expected["source_id"], rhythm.source_id)).select(keys)]
    ]
    every = pa.concat_tables([schema.empty_table(), *tables, *unconnected])
    # The first reason given counts; a cell that nobody expects cannot be missing.
    met = pc.is_in(_joined(every, keys), value_set=_joined(expected, keys))
    return _first_of_each(every.filter(met), keys)


def _gap_cells(source: Source, gap: KnownGap, regions: _Regions, today: dt.date | None) -> list[pa.Array]:
    return _crossed(
        pa.array([source.source_id], _TEXT),
        pa.array(items_of(source, gap.items), _TEXT),
        regions.of_gap(gap.regions),
        pa.array(expand_periods(gap.periods, today), _TEXT),
        pa.array([gap.because], _TEXT),
    )
