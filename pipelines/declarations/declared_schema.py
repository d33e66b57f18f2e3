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
            *((name, _TEXT) for name in ("domain", "opgave", "opgave_because", "ontwikkellijn", "theme")),
            ("rounding", _NUMBER),
        ]
    ),
    "indicator_definition": pa.schema(
        [
            ("indicator_id", _TEXT),
            *((name, _DATE) for name in ("valid_from", "valid_until")),
            *((name, _TEXT) for name in ("undated_because", "text_nl", "country_code")),
            ("comparable_with_earlier", _FLAG),
            ("reference", _TEXT),
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
            ("hides_counts", _FLAG),
            ("not_delivered_when_all_zero", _FLAG),
            ("empty_is_zero", _FLAG),
            ("defines_groups", _FLAG),
            ("evidence", _TEXT),
            ("rounding", pa.int64()),
            ("suppressed_below", pa.int64()),
            ("smallest_count", pa.int64()),
            ("count_rounding", pa.int64()),
            *((name, _TEXT) for name in ("connector", "reader", "citation", "not_expected_because")),
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
            *((name, _TEXT) for name in ("goal_id", "region_code", "document", "section", "effect_nl", "theme")),
            *((name, _TEXT) for name in ("goal_nl", "measure_nl", "indicator_id", "baseline_period")),
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
            # The last day on which it is late and not yet missing.
            ("late_until", _DATE),
            # False for a period between two measurements.
            ("in_rhythm", _FLAG),
        ]
    ),
    "key_figure": pa.schema(
        [
            ("place", pa.int64()),
            *((name, _TEXT) for name in ("figure_id", "heading_nl", "label_nl", "indicator_id", "because")),
            *((name, _TEXT) for name in ("basis", "side", "taakgebied", "provision_form")),
        ]
    ),
    "rhythm": pa.schema(
        [(name, _TEXT) for name in ("source_id", "title", "publisher", "url", "cadence", "because_nl", "reference")]
    ),
    "known_gap": pa.schema([(name, _TEXT) for name in ("source_id", "item", "region_code", "period_code", "because")]),
    "decision": pa.schema(
        [
            *((name, _TEXT) for name in ("break_id", "indicator_id", "region_code", "period_code")),
            *((name, _TEXT) for name in ("kind", "direction", "decision", "because", "decided_by")),
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
    "survey": pa.schema(
        [
            *((name, _TEXT) for name in ("survey", "label_nl", "about", "reference")),
            ("all_inhabitants", _FLAG),
            ("margin_pct", _NUMBER),
            ("smallest", pa.int64()),
        ]
    ),
    "survey_source": pa.schema([(name, _TEXT) for name in ("survey", "source_id")]),
    "survey_question": pa.schema(
        [
            ("survey", _TEXT),
            ("sort_index", pa.int64()),
            *((name, _TEXT) for name in ("question_id", "kind", "label_nl", "ontwikkellijn")),
        ]
    ),
    "survey_answer": pa.schema(
        [
            *((name, _TEXT) for name in ("survey", "question_id")),
            ("sort_index", pa.int64()),
            *((name, _TEXT) for name in ("answer", "label_nl")),
            ("is_positive", _FLAG),
        ]
    ),
    "provision": pa.schema(
        [
            *((name, _TEXT) for name in ("law", "category", "provision", "label_nl")),
            ("is_crisis", _FLAG),
            ("reference", _TEXT),
        ]
    ),
    # Without a region it holds for all municipalities.
    "crisis_product": pa.schema([(name, _TEXT) for name in ("law", "product_code", "region_code", "reference")]),
    "referrer": pa.schema(
        [*((name, _TEXT) for name in ("code", "referrer", "label_nl")), ("is_wijkteam", _FLAG), ("reference", _TEXT)]
    ),
    "wijkteam_provider": pa.schema([(name, _TEXT) for name in ("region_code", "provider_agb", "because")]),
    "taakgebied": pa.schema(
        [*((name, _TEXT) for name in ("taakgebied", "label_nl", "law", "because")), ("place", pa.int64())]
    ),
    # One row per taakgebied, regime, taakveld, side and report.
    "taakgebied_taakveld": pa.schema(
        [
            *((name, _TEXT) for name in ("taakgebied", "regime")),
            ("first_year", pa.int64()),
            ("last_year", pa.int64()),
            *((name, _TEXT) for name in ("taakveld", "side", "report_kind", "indicator_id")),
        ]
    ),
    "measure": pa.schema(
        [
            *((name, _TEXT) for name in ("measure_id", "document", "section", "region_code", "title_nl", "opgave")),
            *((name, _TEXT) for name in ("feasibility", "term", "term_class")),
            *((name, _NUMBER) for name in ("yield_low_eur", "yield_high_eur")),
            ("cost", _TEXT),
            *((name, _NUMBER) for name in ("cost_once_low_eur", "cost_once_high_eur")),
            *((name, _NUMBER) for name in ("cost_yearly_low_eur", "cost_yearly_high_eur")),
            *((name, _TEXT) for name in ("impact_provisions", "impact_residents", "impact_policy", "note")),
        ]
    ),
    "measure_realised": pa.schema(
        [
            *((name, _TEXT) for name in ("measure_id", "period_code")),
            ("amount_eur", _NUMBER),
            ("realised_by", _TEXT),
            ("realised_on", _DATE),
            ("reference", _TEXT),
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
    # The benchmark: one row per item, regime and indicator that is part of it; groups have theirs in core.iv3_group.
    "benchmark_part": pa.schema(
        [
            *((name, _TEXT) for name in ("item", "item_kind", "label_nl", "opgave", "opgave_nl")),
            ("first_year", pa.int64()),
            ("last_year", pa.int64()),
            ("indicator_id", _TEXT),
        ]
    ),
    "benchmark_group": pa.schema([(name, _TEXT) for name in ("item", "label_nl", "opgave", "opgave_nl")]),
    "benchmark_mirror": pa.schema([(name, _TEXT) for name in ("item", "sum_item")]),
    "benchmark_caution": pa.schema(
        [
            ("item", _TEXT),
            ("first_year", pa.int64()),
            ("last_year", pa.int64()),
            *((name, _TEXT) for name in ("country_code", "caution_nl", "reference")),
        ]
    ),
    "reference_group": pa.schema(
        [
            *((name, _TEXT) for name in ("reference_group", "label_nl", "kind")),
            ("size", pa.int64()),
            ("reference", _TEXT),
        ]
    ),
    "reference_group_member": pa.schema([(name, _TEXT) for name in ("reference_group", "region_code", "member_code")]),
    "structure_characteristic": pa.schema(
        [
            ("sort_index", pa.int64()),
            *((name, _TEXT) for name in ("characteristic", "label_nl", "indicator_id", "transform", "because")),
        ]
    ),
}
