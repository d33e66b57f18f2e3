"""The geography as tables for the warehouse: regions and their history, weights, wijken and buurten, and what of all
that could not be understood or placed.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from pipelines.geography.history import CHANGES_SCHEMA, REGIONS_SCHEMA, History, parse_history
from pipelines.geography.neighbourhoods import NEIGHBOURHOODS_SCHEMA, neighbourhoods, unknown_neighbourhood_codes
from pipelines.geography.weights import UNMAPPED_SCHEMA, WEIGHTS_SCHEMA, region_weights, unmapped_regions

PROBLEMS_SCHEMA = pa.schema(
    [
        ("problem", pa.string()),
        ("region_code", pa.string()),
        ("from_code", pa.string()),
        ("effective_date", pa.date32()),
        ("subject", pa.string()),
        ("found", pa.string()),
        ("kept", pa.string()),
        ("seen_at", pa.string()),
    ]
)

SCHEMAS = {
    "region": REGIONS_SCHEMA,
    "region_change": CHANGES_SCHEMA,
    "region_weight": WEIGHTS_SCHEMA,
    "region_unmapped": UNMAPPED_SCHEMA,
    "region_problem": PROBLEMS_SCHEMA,
    "neighbourhood": NEIGHBOURHOODS_SCHEMA,
}
"""The tables of the geography in the schema `raw`, and their columns."""


def geography_tables(
    region_codes: Sequence[pa.Table], reference_year: int, neighbourhood_codes: Sequence[pa.Table] = ()
) -> dict[str, pa.Table]:
    """The tables of SCHEMAS, from the publishers' region codes and from their lists of wijken and buurten.

    Region codes have columns region_code, region_name, description; wijken and buurten source_id, region_code,
    region_name and edition (`readers.cbs_v4.read_region_codes` gives all of them). Without any input the tables are
    empty, with their columns.

    `region_unmapped` are the codes without a place on the borders of the reference year, with the reason.
    `region_problem` is what the publishers' own lists leave unclear: `unrecognised_line` (a sentence of the history
    nobody understood: found), `contradiction` (of two statements on `subject`, one was kept) and `unknown_code` (a
    code among wijken and buurten that is neither).
    """
    columns = ["Identifier", "Title", "Description"]
    tables = [
        table.select(["region_code", "region_name", "description"]).rename_columns(columns) for table in region_codes
    ]
    empty = pa.schema([(name, pa.string()) for name in columns]).empty_table()
    history = parse_history(pa.concat_tables(tables) if tables else empty)
    return {
        "region": history.regions,
        "region_change": history.changes,
        "region_weight": region_weights(history, reference_year),
        "region_unmapped": unmapped_regions(history, reference_year),
        "region_problem": _problems(history, neighbourhood_codes),
        "neighbourhood": neighbourhoods(neighbourhood_codes),
    }


def _problems(history: History, neighbourhood_codes: Sequence[pa.Table]) -> pa.Table:
    lines, told = history.unrecognised, history.conflicts
    unknown = unknown_neighbourhood_codes(neighbourhood_codes)
    parts: list[dict[str, pa.ChunkedArray | str]] = [
        {
            "problem": "unrecognised_line",
            "region_code": lines["region_code"],
            "subject": lines["line_number"].cast(pa.string()),
            "found": lines["line"],
            "seen_at": lines["region_code"],
        },
        {
            "problem": "contradiction",
            "region_code": told["to_code"],
            "from_code": told["from_code"],
            "effective_date": told["effective_date"],
            "subject": told["quantity"],
            "found": told["stated"],
            "kept": told["kept"],
            "seen_at": told["seen_at"],
        },
        {
            "problem": "unknown_code",
            "region_code": unknown["region_code"],
            "subject": unknown["edition"],
            "found": unknown["region_name"],
            "seen_at": unknown["source_id"],
        },
    ]
    return pa.concat_tables([_filled(part) for part in parts])


def _filled(part: dict[str, pa.ChunkedArray | str]) -> pa.Table:
    """The given columns of PROBLEMS_SCHEMA; a text stands in every row, and what is not given is empty."""
    rows = len(part["region_code"])
    columns = []
    for field in PROBLEMS_SCHEMA:
        given = part.get(field.name)
        if isinstance(given, str):
            given = pa.repeat(pa.scalar(given), rows)
        columns.append(pa.nulls(rows, field.type) if given is None else given)
    return pa.table(columns, schema=PROBLEMS_SCHEMA)
