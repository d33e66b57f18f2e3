"""The tables that the benchmark leaves in the warehouse schema `benchmark`.

What belongs here: names and types. What does not: how a row comes about.
"""

from __future__ import annotations

from typing import Final

import pyarrow as pa

_TEXT, _NUMBER, _COUNT = pa.string(), pa.float64(), pa.int64()

# One row per municipality, year and reference group; without members `because_nl` says why, and `caution_nl`
# names who would have been a neighbour but has no costs in that year.
REFERENCE_SET_SCHEMA: Final = pa.schema(
    [
        ("region_code", _TEXT),
        ("fiscal_year", _COUNT),
        ("reference_group", _TEXT),
        ("members", _COUNT),
        ("because_nl", _TEXT),
        ("caution_nl", _TEXT),
    ]
)
# One row per municipality, year, reference group and member.
REFERENCE_MEMBER_SCHEMA: Final = pa.schema(
    [
        ("region_code", _TEXT),
        ("fiscal_year", _COUNT),
        ("reference_group", _TEXT),
        ("member_code", _TEXT),
        ("rank", _COUNT),
        ("distance", _NUMBER),
        ("distance_because_nl", _TEXT),
    ]
)
# One row per municipality, year and item.
STRUCTURE_EXPECTED_SCHEMA: Final = pa.schema(
    [
        ("region_code", _TEXT),
        ("fiscal_year", _COUNT),
        ("item", _TEXT),
        ("expected_eur", _NUMBER),
        ("expected_low_eur", _NUMBER),
        ("expected_high_eur", _NUMBER),
        ("municipalities", _COUNT),
        ("explained_pct", _NUMBER),
        ("because_nl", _TEXT),
    ]
)
# One row per municipality, year, item and reference group.
CORRECTED_SCHEMA: Final = pa.schema(
    [
        ("region_code", _TEXT),
        ("fiscal_year", _COUNT),
        ("item", _TEXT),
        ("reference_group", _TEXT),
        ("corrected_reference_eur", _NUMBER),
        ("corrected_low_eur", _NUMBER),
        ("corrected_high_eur", _NUMBER),
        ("because_nl", _TEXT),
    ]
)
SCHEMAS: Final[dict[str, pa.Schema]] = {
    "reference_set": REFERENCE_SET_SCHEMA,
    "reference_member": REFERENCE_MEMBER_SCHEMA,
    "structure_expected": STRUCTURE_EXPECTED_SCHEMA,
    "corrected": CORRECTED_SCHEMA,
}
