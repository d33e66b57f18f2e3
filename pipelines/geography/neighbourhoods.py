"""Wijken and buurten, as each year's edition of a publisher's region codes lists them.

What belongs here: which codes are a wijk or a buurt, and of which municipality. What does not: through how many
editions one goes on (`core_neighbourhood`); they belong to the division of their year, and no key leads from one
year's codes to another's.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

NEIGHBOURHOODS_SCHEMA = pa.schema(
    [
        ("edition_year", pa.int32()),
        ("region_code", pa.string()),
        ("region_name", pa.string()),
        ("region_type", pa.string()),
        ("municipality_code", pa.string()),
        ("source_id", pa.string()),
        ("is_fictional", pa.bool_()),
    ]
)

# The number of the municipality, then two digits for the wijk and four for the buurt. The country and its
# municipalities stand in the same lists.
_CODE = r"^(?P<fictional>VB)?(?P<kind>WK|BU)(?P<municipality>[0-9]{4})(?P<number>[0-9]{2}(?:[0-9]{2})?)$"
_LARGER = r"^(?:NL[0-9]{2}|GM[0-9]{4}|VB00|VB[0-9]{4})$"
_EDITION = r"^[12][0-9]{3}$"


def neighbourhoods(region_codes: Sequence[pa.Table]) -> pa.Table:
    """One row per wijk or buurt and edition (NEIGHBOURHOODS_SCHEMA), sorted by year and code.

    Each input has columns source_id, region_code, region_name, edition (the year, as text). Where several sources
    list a code in the same year, the first of them counts. What is no wijk or buurt of a known year is left out;
    `unknown_neighbourhood_codes` tells which of those nobody can place.
    """
    listed = _listed(region_codes)
    parts = pc.extract_regex(listed["region_code"], _CODE)
    right = pc.and_(_is_placed(listed, parts), _is_year(listed))
    listed, parts = listed.filter(right), parts.filter(right)
    kind, fictional = pc.struct_field(parts, "kind"), pc.equal(pc.struct_field(parts, "fictional"), "VB")
    prefix = pc.if_else(fictional, "VB", "GM")
    table = pa.Table.from_arrays(
        [
            listed["edition"].cast(pa.int32()),
            listed["region_code"],
            listed["region_name"],
            pc.if_else(pc.equal(kind, "WK"), "wijk", "buurt"),
            pc.binary_join_element_wise(prefix, pc.struct_field(parts, "municipality"), ""),
            listed["source_id"],
            fictional,
        ],
        schema=NEIGHBOURHOODS_SCHEMA,
    )
    return _first_of_each(table)


def unknown_neighbourhood_codes(region_codes: Sequence[pa.Table]) -> pa.Table:
    """The listed codes that are neither wijk nor buurt nor a larger area, or of no year; as they were listed."""
    listed = _listed(region_codes)
    placed = _is_placed(listed, pc.extract_regex(listed["region_code"], _CODE))
    known = pc.and_(pc.or_(placed, pc.match_substring_regex(listed["region_code"], _LARGER)), _is_year(listed))
    return listed.filter(pc.invert(known))


def _listed(region_codes: Sequence[pa.Table]) -> pa.Table:
    """All lists as one, trimmed; white space within a name counts once."""
    schema = pa.schema([(name, pa.string()) for name in ("source_id", "region_code", "region_name", "edition")])
    tables = [table.select(schema.names).cast(schema) for table in region_codes]
    listed = pa.concat_tables([schema.empty_table(), *tables])
    columns = {name: pc.fill_null(pc.utf8_trim_whitespace(listed[name]), "") for name in schema.names}
    columns["region_name"] = pc.replace_substring_regex(columns["region_name"], r"\s+", " ")
    return pa.table(columns)


def _is_placed(listed: pa.Table, parts: pa.ChunkedArray) -> pa.ChunkedArray:
    """Whether the code is that of a wijk (two digits of its own) or a buurt (four)."""
    is_wijk = pc.equal(pc.struct_field(parts, "kind"), "WK")
    digits = pc.utf8_length(pc.struct_field(parts, "number"))
    return pc.fill_null(pc.equal(digits, pc.if_else(is_wijk, 2, 4)), False)


def _is_year(listed: pa.Table) -> pa.ChunkedArray:
    return pc.match_substring_regex(listed["edition"], _EDITION)


def _first_of_each(table: pa.Table) -> pa.Table:
    order = [(name, "ascending") for name in ("edition_year", "region_code", "source_id", "region_name")]
    table = table.sort_by(order)
    keys = ["edition_year", "region_code"]
    numbered = table.append_column("row", pa.array(range(table.num_rows), pa.int64()))
    first = numbered.group_by(keys, use_threads=False).aggregate([("row", "min")])["row_min"]
    return table.take(first).sort_by(order[:2])
