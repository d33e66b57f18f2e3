"""The columns of the tables in the warehouse schema `declared`.

What belongs here: names and types. What does not: how a table comes about (`expand`).
"""

from __future__ import annotations

import pyarrow as pa

_TEXT, _NUMBER, _DATE, _FLAG = pa.string(), pa.float64(), pa.date32(), pa.bool_()

SCHEMAS: dict[str, pa.Schema] = {
    "indicator": pa.schema(
        [
            *((name, _TEXT) for name in ("indicator_id", "label_nl", "label_en", "law", "unit", "value_kind")),
            *((name, _TEXT) for name in ("numerator_id", "denominator_id", "aggregation", "desired_direction")),
            *((name, _TEXT) for name in ("description_nl", "provision", "survey", "question_id")),
            ("sources", pa.list_(_TEXT)),
            *((name, _NUMBER) for name in ("rate_factor", "minimum", "maximum")),
        ]
    ),
    "region": pa.schema(
        [
            *((name, _TEXT) for name in ("region_code", "region_name", "region_type", "country_code")),
            ("valid_from", _DATE),
            ("valid_to", _DATE),
            ("members_complete", _FLAG),
            ("is_fictional", _FLAG),
        ]
    ),
    "region_member": pa.schema([("group_code", _TEXT), ("member_code", _TEXT)]),
    "source": pa.schema(
        [
            *((name, _TEXT) for name in ("source_id", "publisher", "title", "licence", "url", "cadence")),
            ("is_fictional", _FLAG),
            ("person_level", _FLAG),
            ("not_delivered_when_all_zero", _FLAG),
            ("empty_is_zero", _FLAG),
            ("defines_groups", _FLAG),
            ("evidence", _TEXT),
            ("rounding", pa.int64()),
            ("suppressed_below", pa.int64()),
            *((name, _TEXT) for name in ("connector", "reader", "citation")),
        ]
    ),
    "series": pa.schema(
        [
            *((name, _TEXT) for name in ("source_id", "item", "item_like", "part", "indicator_id")),
            ("factor", _NUMBER),
            ("rank", pa.int64()),
            ("adds_up", _FLAG),
        ]
    ),
    "attribute": pa.schema([("source_id", _TEXT), ("item_like", _TEXT)]),
    "event": pa.schema(
        [
            *((name, _TEXT) for name in ("event_id", "kind", "nature")),
            ("effective_date", _DATE),
            *((name, _TEXT) for name in ("period_from", "period_to")),
            ("window_start", _DATE),
            ("window_end", _DATE),
            *((name, _TEXT) for name in ("region_codes", "indicator_ids", "label_nl", "reference")),
        ]
    ),
    "event_scope": pa.schema([("event_id", _TEXT), ("region_code", _TEXT), ("indicator_id", _TEXT)]),
    "goal": pa.schema(
        [
            *((name, _TEXT) for name in ("goal_id", "region_code", "document", "section", "theme", "goal_nl")),
            *((name, _TEXT) for name in ("measure_nl", "indicator_id", "baseline_period")),
            ("baseline_value", _NUMBER),
            *((name, _TEXT) for name in ("unit", "baseline_note", "rule_kind")),
            ("rule_value", _NUMBER),
            ("rule_by_date", _DATE),
            *((name, _TEXT) for name in ("rule_nl", "kind", "source_nl")),
        ]
    ),
    "printed_figure": pa.schema(
        [
            *((name, _TEXT) for name in ("indicator_id", "region_code", "period_code")),
            ("value", _NUMBER),
            *((name, _TEXT) for name in ("document", "section", "note")),
        ]
    ),
    "expected": pa.schema(
        [
            *((name, _TEXT) for name in ("source_id", "item", "indicator_id", "region_code", "period_code")),
            ("due_date", _DATE),
        ]
    ),
    "known_gap": pa.schema([(name, _TEXT) for name in ("source_id", "item", "region_code", "period_code", "because")]),
    "decision": pa.schema(
        [
            *((name, _TEXT) for name in ("break_id", "indicator_id", "region_code", "period_code")),
            *((name, _TEXT) for name in ("decision", "because", "decided_by")),
            ("decided_on", _DATE),
        ]
    ),
    "correction": pa.schema(
        [
            *((name, _TEXT) for name in ("source_id", "item", "region_code", "period_code")),
            ("expect", _NUMBER),
            ("value", _NUMBER),
            *((name, _TEXT) for name in ("because", "corrected_by")),
            ("corrected_on", _DATE),
        ]
    ),
    # One row per group, regime, taakveld, side and report: which indicators make up a group, and how far it compares.
    "iv3_group": pa.schema(
        [
            *((name, _TEXT) for name in ("group_id", "label_nl", "regime")),
            ("first_year", pa.int64()),
            ("last_year", pa.int64()),
            *((name, _TEXT) for name in ("taakveld", "side", "report_kind", "indicator_id")),
            *((name, _TEXT) for name in ("link_quality", "link_because")),
        ]
    ),
    # One row per regime and taakveld, a sum of parts included; `group_ids` are separated by `|`.
    "iv3_taakveld": pa.schema(
        [
            *((name, _TEXT) for name in ("regime", "taakveld", "name_nl", "part_of")),
            ("first_year", pa.int64()),
            ("last_year", pa.int64()),
            *((name, _TEXT) for name in ("group_ids", "not_linked_because")),
        ]
    ),
}
