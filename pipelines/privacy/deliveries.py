"""Deliveries of counts of persons, protected before any of them is a figure: reads the raw tables of the sources that
declare `suppression`, writes `privacy.delivered`.

What belongs here: which figures are counts, which of them are one and the same, and how they add up over items,
regions and periods. What does not: which counts are hidden (`suppression`).

A count is one and the same wherever it stands: in every vintage that repeats it and in every item of one indicator. A
sum that does not come out, because a part is not delivered or persons are counted twice, still says how far its parts
can go: what it is off by is a count of its own that nobody is shown.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

import pyarrow as pa

from pipelines.declarations.patterns import matches
from pipelines.declarations.suppression import COUNT
from pipelines.privacy.suppression import shown_counts
from pipelines.warehouse.figures import COLUMNS, exact_figures
from pipelines.warehouse.load import replace_tables
from pipelines.warehouse.raw_tables import raw_schema

if TYPE_CHECKING:
    import duckdb

    from pipelines.declarations.load import Declarations
    from pipelines.declarations.source import Source

_TEXT, _WHOLE = pa.string(), pa.int64()
_ITEMS: Final = pa.schema(
    [
        *((name, _TEXT) for name in ("source_id", "item", "name")),
        ("is_flow", pa.bool_()),
        *((name, _WHOLE) for name in ("k", "round_to")),
    ]
)
_ITEM_SUMS: Final = pa.schema(
    [*((name, _TEXT) for name in ("source_id", "sum_name", "total", "part")), ("sign", _WHOLE)]
)
_PARENTS: Final = pa.schema([(name, _TEXT) for name in ("region_code", "parent_code", "kind")])

# The counts, each under the name of what it counts.
_COUNTS = """
    create or replace temp table delivered_count as
    select
        figure.*,
        item.is_flow,
        figure.value::bigint as persons,
        item.k,
        item.round_to,
        concat_ws('|', item.name, figure.part, figure.region_code, figure.period_code, figure.value::bigint) as cell_id
    from exact_figure as figure
    inner join counted_item as item on figure.source_id = item.source_id and figure.item = item.item
    where figure.value is not null
"""
# Who is part of whom: `within` is one total with its parts.
_PARTS = """
    create or replace temp table delivered_part as
    select
        concat_ws('|', 'item', summed.sum_name, total.vintage_id, total.part, total.region_code, total.period_code)
            as within,
        total.cell_id as total_cell_id,
        part.cell_id as part_cell_id,
        total.persons as total_persons,
        part.persons as part_persons,
        summed.sign
    from item_sum as summed
    inner join delivered_count as total on summed.source_id = total.source_id and summed.total = total.item
    inner join delivered_count as part
        on
            summed.source_id = part.source_id
            and summed.part = part.item
            and total.vintage_id = part.vintage_id
            and total.region_code = part.region_code
            and total.period_code = part.period_code
            and total.part is not distinct from part.part
    union all
    select
        concat_ws('|', 'region', parent.kind, total.vintage_id, total.cell_id, total.item),
        total.cell_id,
        part.cell_id,
        total.persons,
        part.persons,
        1
    from delivered_count as total
    inner join region_parent as parent on total.region_code = parent.parent_code
    inner join delivered_count as part
        on
            parent.region_code = part.region_code
            and total.source_id = part.source_id
            and total.item = part.item
            and total.vintage_id = part.vintage_id
            and total.period_code = part.period_code
            and total.part is not distinct from part.part
    union all
    select
        concat_ws('|', 'period', substr(part.period_code, 5, 1), total.vintage_id, total.cell_id, total.item),
        total.cell_id,
        part.cell_id,
        total.persons,
        part.persons,
        1
    from delivered_count as total
    inner join delivered_count as part
        on
            total.period_code = left(part.period_code, 4)
            and len(part.period_code) > 4
            and total.source_id = part.source_id
            and total.item = part.item
            and total.vintage_id = part.vintage_id
            and total.region_code = part.region_code
            and total.part is not distinct from part.part
    where total.is_flow
"""
_OFF = """
    create or replace temp table delivered_off as
    select within, any_value(total_cell_id) as total_cell_id,
        any_value(total_persons) - sum(sign * part_persons) as off
    from delivered_part
    group by within
"""
# Where the parts are more than their whole, some persons are in two of them; no part is more than the whole then.
_REST = """
    create or replace temp table delivered_rest as
    select distinct
        concat_ws('|', 'rest', part.total_cell_id, part.part_cell_id) as cell_id,
        part.total_cell_id,
        part.part_cell_id,
        part.total_persons - part.part_persons as persons
    from delivered_part as part
    inner join delivered_off as off on part.within = off.within and off.off < 0
    where part.part_persons <= part.total_persons and part.sign = 1
"""
_CELLS = """
    select cell_id, any_value(persons) as persons, max(k) as k, max(round_to) as round_to, true as is_published
    from delivered_count group by cell_id
    union all
    select 'off|' || within, abs(off), 1, 1, false from delivered_off where off != 0
    union all
    select cell_id, persons, 1, 1, false from delivered_rest
"""
_SUMS = """
    select within as sum_id, total_cell_id, part_cell_id, sign from delivered_part
    union all
    select within, total_cell_id, 'off|' || within, sign(off)::bigint from delivered_off where off != 0
    union all
    select cell_id, total_cell_id, part_cell_id, 1 from delivered_rest
    union all
    select cell_id, total_cell_id, cell_id, 1 from delivered_rest
"""
# A figure of such a source that is known to be no count is as it was delivered.
_DELIVERED = """
    select figure.* replace (
        case
            when item.item is null then figure.value
            when shown.obs_status = 'A' then shown.shown::double
        end as value,
        case when shown.obs_status = 'Q' then 'hidden' else figure.source_flag end as source_flag
    )
    from exact_figure as figure
    left join counted_item as item on figure.source_id = item.source_id and figure.item = item.item
    left join shown_count as shown
        on
            figure.value is not null
            and concat_ws('|', item.name, figure.part, figure.region_code, figure.period_code, figure.value::bigint)
            = shown.cell_id
    order by all
"""


def protect_deliveries(connection: duckdb.DuckDBPyConnection, declarations: Declarations) -> dict[str, int]:
    """Replace `privacy.delivered` by the figures of all sources that declare `suppression`, as they may be seen.

    Its columns are those of `raw.figure`. Of a hidden count `value` is null and `source_flag` is `hidden`. Returns how
    many counts there are (`counts`) and how many of them are hidden (`hidden`).
    """
    sources = [source for source in declarations.sources if source.suppression is not None]
    for source in sources:
        connection.register("shape", raw_schema(source).empty_table())
        connection.execute(f'create table if not exists raw."{source.source_id}" as select * from shape')
        connection.unregister("shape")
    columns = ", ".join(f"null::{kind} as {name}" for name, kind in COLUMNS.items())
    exact = " union all ".join([exact_figures(source) for source in sources] or [f"select {columns} where false"])
    connection.execute(f"create or replace temp view exact_figure as {exact}")
    delivered = connection.execute("select distinct source_id, item from exact_figure order by all").fetchall()
    given = {
        "counted_item": _counted_items(sources, declarations, delivered),
        "item_sum": _item_sums(sources),
        "region_parent": _parents(connection, declarations),
    }
    for name, table in given.items():
        connection.register(name, table)
    for query in (_COUNTS, _PARTS, _OFF, _REST):
        connection.execute(query)
    shown = shown_counts(connection.execute(_CELLS).to_arrow_table(), connection.execute(_SUMS).to_arrow_table())
    connection.register("shown_count", shown)
    replace_tables(connection, "privacy", {"delivered": connection.execute(_DELIVERED).to_arrow_table()})
    for name in (*given, "shown_count"):
        connection.unregister(name)
    for name in ("delivered_count", "delivered_part", "delivered_off", "delivered_rest"):
        connection.execute(f"drop table temp.{name}")
    connection.execute("drop view temp.exact_figure")
    return {"counts": shown.num_rows, "hidden": shown["shown"].null_count}


def _counted_items(
    sources: Iterable[Source], declarations: Declarations, delivered: Iterable[tuple[str, str]]
) -> pa.Table:
    """The items that count persons, each under the name of its indicator; an item that nothing maps counts as one."""
    indicators = {indicator.indicator_id: indicator for indicator in declarations.indicators}
    by_id = {source.source_id: source for source in sources}
    rows = []
    for source_id, item in delivered:
        source = by_id[source_id]
        named = [
            indicators[series.indicator_id]
            for series in source.series
            if series.indicator_id in indicators and matches(series.item, [item])
        ]
        if source.suppression is None or (named and not any(indicator.unit == COUNT for indicator in named)):
            continue
        rows.append(
            {
                "source_id": source_id,
                "item": item,
                "name": min((indicator.indicator_id for indicator in named), default=f"{source_id}:{item}"),
                "is_flow": bool(named) and all(indicator.value_kind == "flow" for indicator in named),
                "k": source.suppression.k,
                "round_to": source.suppression.round_to,
            }
        )
    return pa.Table.from_pylist(rows, schema=_ITEMS)


def _item_sums(sources: Iterable[Source]) -> pa.Table:
    return pa.Table.from_pylist(
        [
            {
                "source_id": source.source_id,
                "sum_name": f"{source.source_id}:{number}",
                "total": summed.total,
                "part": part,
                "sign": sign,
            }
            for source in sources
            if source.suppression is not None
            for number, summed in enumerate(source.suppression.sums)
            for part, sign in summed.signs.items()
        ],
        schema=_ITEM_SUMS,
    )


def _parents(connection: duckdb.DuckDBPyConnection, declarations: Declarations) -> pa.Table:
    """What each region is a part of: buurt of wijk, wijk of municipality, municipality of country, member of group."""
    prefixes = [
        {"region_code": region.country_prefix, "parent_code": region.code, "kind": "gemeente"}
        for region in declarations.regions
        if region.region_type == "land" and region.country_prefix
    ]
    members = [
        {"region_code": member, "parent_code": group.code, "kind": "lid"}
        for group in declarations.groups
        for member in group.members
    ]
    connection.register("country", pa.Table.from_pylist(prefixes, schema=_PARENTS))
    found = connection.execute(
        """
        select distinct region_code, municipality_code as parent_code, region_type as kind
        from raw.neighbourhood
        union
        select distinct region_code, replace(left(region_code, len(region_code) - 2), 'BU', 'WK'), region_type
        from raw.neighbourhood where region_type = 'buurt'
        union
        select distinct figure.region_code, country.parent_code, country.kind
        from exact_figure as figure
        inner join country
            on
                regexp_matches(figure.region_code, '^' || country.region_code || '[0-9]{4}$')
                and figure.region_code != country.parent_code
        """
    ).to_arrow_table()
    connection.unregister("country")
    return pa.concat_tables([found.cast(_PARENTS), pa.Table.from_pylist(members, schema=_PARENTS)])
