"""Somebody who has the published file, and knows the rule, learns no hidden count in it to within k."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from tests import attacker_of_files as attacker
from tests.attacker_of_files import K, Knowledge
from tests.integration.conftest import Workspace

ALMOST = 1e-5


def test_no_hidden_count_of_the_published_sample_is_learned(sample_run: Workspace) -> None:
    """All of them, from everything that is published: totals, parts, rates, changes, periods, both geographies."""
    with duckdb.connect(str(sample_run.published), read_only=True) as published:
        known = attacker.everything(published)
        (hidden,) = published.execute(
            "select (select count(*) filter (where clients is null) + count(*) filter (where inflow is null) "
            "+ count(*) filter (where outflow is null) from marts.drill_down where obs_status != 'L') "
            "+ (select count(*) from marts.drill_down_referrer where obs_status = 'Q') "
            "+ (select count(*) from marts.stapeling where obs_status = 'Q') "
            "+ (select count(*) from marts.complaint where obs_status = 'Q') "
            "+ (select count(*) from marts.observation where source_flag = 'hidden' and is_latest)"
        ).fetchone() or (0,)
    attacked = Counter(name[0] for name in known.hidden)
    assert sum(attacked.values()) >= hidden
    assert set(attacked) >= {
        "clients",
        "inflow",
        "outflow",
        "referrer",
        "persons",
        "complaint",
        "figure",
        "together",
        "given",
    }
    widths = known.widths()
    assert set(widths) == known.hidden
    assert {name: width for name, width in widths.items() if width < K - ALMOST} == {}


# Every published column: those that the attacker reads, and those that tell nothing of a hidden count, and why.
READ = {
    "drill_down": "region_code period_code law provision clients inflow outflow *_pct cost_per_client_eur obs_status "
    "because",
    "drill_down_referrer": "region_code period_code law provision referrer inflow",
    "stapeling": "region_code period_code number_of_laws persons households laws_delivered obs_status because",
    "complaint": "region_code period_code law subject complaints previous_period previous_complaints change_pct",
    "survey_answer": "survey question_id region_code period_code answer question_kind share_pct mean_mark respondents "
    "because",
    "observation": "indicator_id region_code period_code value obs_status source_flag is_latest delivered_value",
    "indicator": "indicator_id numerator_id denominator_id rate_factor",
    "indicator_municipality": "indicator_id region_code period_code geography value obs_status previous_period "
    "previous_value change_pct national_value value_linked",
    "indicator_wijk": "indicator_id region_code period_code geography value previous_period previous_value change_pct "
    "municipality_code municipality_value national_value value_linked",
    "region": "region_code successor_codes",
}
HARMLESS = (
    ("drill_down", "inflow_outflow_ratio", "of two counts that are shown"),
    ("drill_down", "median_duration_days", "stands where the outflow does, to five days"),
    ("drill_down_referrer", "share_pct", "of two counts that are shown"),
    (
        "drill_down_referrer stapeling complaint",
        "obs_status because",
        "says that the count is hidden, as its field does",
    ),
    ("complaint", "comparable_with_previous incomparable_* event_ids source_id", "follows from what is shown"),
    ("survey_answer client_experience", "ci_* mean_low mean_high reliability", "follows from share and respondents"),
    ("survey_answer client_experience", "response_norm* population_from_nl", "of all that could have answered"),
    ("client_experience", "pct_positive national_pct_positive respondents", "told as coarsely as in survey_answer"),
    ("observation", "vintage_* source_id corrected_because", "of the delivery"),
    (
        "indicator_municipality indicator_wijk",
        "peer_value reference_value rank linked_* change_linked_*",
        "as tested below",
    ),
    ("indicator_municipality indicator_wijk", "*because* caution_nl break_id", "follows from what is shown"),
    ("indicator_municipality", "rank_of", "of how many municipalities the figure is shown"),
    ("indicator_municipality", "reference_group* reference_year", "of the region"),
    ("indicator_municipality", "comparable_with_previous", "of the periods"),
    ("indicator_wijk", "comparable_with_previous region_type municipality_name obs_status", "of the area"),
    ("spending_month", "*_because", "says that the figure is hidden, as its field does"),
    ("spending_month", "*_eur used_pct hours day_parts days pieces", "of k clients at least, none of them half of it"),
    ("spending_month", "taakgebied told_by fiscal_year budget_vintage", "a name"),
    ("delivery", "*", "a delivery about persons has accounts that are protected: test_protected_deliveries"),
    ("quarantine", "*", "rows of persons stand without what they hold: test_privacy_end_to_end"),
    ("coverage", "*", "which figures are there, as their own tables say"),
    (
        "conflict goal_status key_figure observation_linked printed_figure revision trend_break",
        "*",
        "no protected count, as tested below",
    ),
    ("provision_use", "*", "no protected count, as tested below"),
    ("run_step", "*", "of steps, with the rows of what is published and of deliveries that are about no person"),
    ("budget budget_* cost_benchmark gemeentefonds_mirror measure", "*", "money of accounts and budgets"),
    ("event event_effect indicator indicator_definition region reference_group_member source", "*", "of no person"),
    ("*", "*_nl label_nl region_name survey question_id region_code period_code ontwikkellijn", "a name"),
)


def test_every_published_column_is_read_by_the_attacker_or_harmless_for_a_reason(sample_run: Workspace) -> None:
    """A new column fails this until somebody says which it is; so does a line that is about no column any more."""
    said = [(*place, "read") for place in READ.items()] + list(HARMLESS)
    of_no_column = {(tables, column, why) for tables, columns, why in said for column in columns.split()}
    unlisted = []
    for table, column in sample_run.rows(
        "select table_name, column_name from information_schema.columns where table_schema = 'marts'"
    ):
        about = {
            (tables, pattern, why)
            for tables, columns, why in said
            for pattern in columns.split()
            if any(fnmatchcase(table, name) for name in tables.split()) and fnmatchcase(column, pattern)
        }
        unlisted += [] if about else [f"{table}.{column}"]
        of_no_column -= about
    assert unlisted == []
    assert of_no_column == set()


def test_columns_that_are_harmless_for_having_no_hidden_count_have_none(sample_run: Workspace) -> None:
    """And those that he cannot read, what several have in the middle or on average, tell of no hidden count."""
    values = {column for table, columns in READ.items() if table.startswith("indicator_") for column in columns.split()}
    assert {column for column in values if "value" in column} <= set(attacker.FIGURES)
    hidden = "select indicator_id from marts.observation where source_flag = 'hidden'"
    made_of = f"select indicator_id, law, provision from marts.indicator where indicator_id in ({hidden}) "
    made_of += f"or numerator_id in ({hidden})"
    for table in (
        *("conflict", "goal_status", "key_figure", "observation_linked", "printed_figure", "revision", "trend_break"),
    ):
        assert sample_run.value(f"select count(*) from marts.{table} semi join ({made_of}) using (indicator_id)") == 0
    assert (
        sample_run.value(f"select count(*) from marts.provision_use semi join ({made_of}) using (law, provision)") == 0
    )
    of_costs = "list_filter(string_split(because, '. '), lambda one: regexp_matches(one, 'kosten|declaraties'))"
    assert (
        sample_run.value(
            f"select count(distinct {of_costs}) from marts.drill_down where clients is null and obs_status != 'L'"
        )
        == 1
    )
    protected = "indicator_id in (select indicator_id from marts.observation where source_flag = 'hidden')"
    for column in ("peer_value", "reference_value", "rank", "linked_low", "linked_high", "change_linked_pct"):
        assert sample_run.value(f"select count({column}) from marts.indicator_municipality where {protected}") == 0
    # of wijken and buurten it is the middle where all of them are shown, so that there is nothing to tell of the others
    assert (
        sample_run.rows(
            "select peer_value, median(value) over (partition by indicator_id, municipality_code, region_type, "
            f"period_code) as of_shown, count(*) filter (value is null) over (partition by indicator_id, "
            f"municipality_code, region_type, period_code) as hidden from marts.indicator_wijk where {protected} "
            "qualify peer_value is not null and (peer_value != of_shown or hidden > 0)"
        )
        == []
    )


# -- that he would find what there is to find -------------------------------------------------------

Rows = dict[str, list[dict[str, Any]]]


@pytest.fixture
def told() -> Iterator[Callable[[Rows], duckdb.DuckDBPyConnection]]:
    """A published file with these rows; columns that a table lacks are empty in it."""
    with duckdb.connect() as connection:
        connection.execute("create schema marts")

        def _made(rows: Rows) -> duckdb.DuckDBPyConnection:
            for table, columns in _COLUMNS.items():
                names = [name.partition(":") for name in columns.split()]
                schema = pa.schema([(name, _TYPES[kind]) for name, _, kind in names])
                given = pa.Table.from_pylist(rows.get(table, []), schema=schema)
                connection.register("given", given)
                connection.execute(f"create table marts.{table} as from given")
                connection.unregister("given")
            return connection

        yield _made


_TYPES = {"": pa.string(), "n": pa.int64(), "f": pa.float64(), "b": pa.bool_()}
_COLUMNS = {
    "drill_down": "region_code period_code law provision clients:n inflow:n outflow:n returned_within_year_pct:f "
    "crisis_start_pct:f wijkteam_pct:f cost_per_client_eur:n obs_status because",
    "drill_down_referrer": "region_code period_code law provision referrer inflow:n",
    "stapeling": "region_code period_code number_of_laws:n persons:n households:n laws_delivered obs_status because",
    "complaint": "region_code period_code law subject complaints:n previous_period previous_complaints:n change_pct:f",
    "observation": "indicator_id region_code period_code value:f delivered_value:f source_flag obs_status is_latest:b",
    "indicator": "indicator_id numerator_id denominator_id rate_factor:f",
    "indicator_municipality": "indicator_id region_code period_code geography value:f previous_period "
    "previous_value:f change_pct:f national_value:f obs_status",
    "indicator_wijk": "indicator_id region_code period_code geography value:f previous_period change_pct:f "
    "municipality_code municipality_value:f",
    "region": "region_code successor_codes",
    "survey_answer": "survey question_id region_code period_code answer question_kind share_pct:f mean_mark:f "
    "respondents:n because",
}

_USE = {"region_code": "VB1", "law": "wmo", "provision": "hbh", "obs_status": "A"}
_FLOW = {"inflow": 10, "outflow": 0}
_COMPLAINT = {"region_code": "VB1", "period_code": "2025", "law": "wmo"}
_FIGURE = {"indicator_id": "regie", "period_code": "2025", "is_latest": True, "obs_status": "A"}
_HIDDEN = {"source_flag": "hidden", "obs_status": "Q"}
_BELOW = {"period_code": "2025", "geography": "published"}
_ANSWER = {"survey": "e", "question_id": "weg", "region_code": "VB1", "period_code": "2025"}

LEAKS: dict[str, tuple[tuple[Any, ...], Rows]] = {
    "a part of a total": (
        ("complaint", "VB1", "2025", "wmo", "privacy"),
        {
            "complaint": [
                {**_COMPLAINT, "subject": "totaal", "complaints": 25},
                {**_COMPLAINT, "subject": "bejegening", "complaints": 20},
                {**_COMPLAINT, "subject": "privacy"},
            ]
        },
    ),
    "a change": (
        ("complaint", "VB1", "2025", "wmo", "privacy"),
        {
            "complaint": [
                {
                    **_COMPLAINT,
                    "subject": "privacy",
                    "change_pct": -50.0,
                    "previous_period": "2024",
                    "previous_complaints": 10,
                }
            ]
        },
    ),
    "the only half of a year with clients": (
        ("clients", "VB1", "wmo", "hbh", "2025H1"),
        {
            "drill_down": [
                {**_USE, "inflow": 0, "outflow": 20, "period_code": "2025", "clients": 20},
                {**_USE, "inflow": 0, "outflow": 20, "period_code": "2025H1"},
            ]
        },
    ),
    "those who did not come by the wijkteam": (
        ("not", "wijkteam", "VB1", "wmo", "hbh", "2025"),
        {
            "drill_down": [
                {
                    **_USE,
                    "period_code": "2025",
                    "clients": 60,
                    "inflow": 45,
                    "outflow": 0,
                    "because": "Kleine aantallen zijn weggelaten.",
                }
            ],
            "drill_down_referrer": [
                {**_USE, "period_code": "2025", "referrer": "gemeente", "inflow": 40},
                {**_USE, "period_code": "2025", "referrer": "huisarts"},
            ],
        },
    ),
    "that costs could be shown if clients were": (
        ("clients", "VB1", "wmo", "hbh", "2025"),
        {
            "drill_down": [
                {**_USE, **_FLOW, "provision": "totaal", "period_code": "2025", "clients": 15},
                {**_USE, **_FLOW, "provision": "begeleiding", "period_code": "2025", "clients": 15},
                {**_USE, "period_code": "2025", "because": "Kleine aantallen zijn weggelaten."},
            ]
        },
    ),
    "a referrer with a row of his own": (
        ("referrer", "huisarts", "VB1", "wmo", "hbh", "2025"),
        {
            "drill_down": [{**_USE, "period_code": "2025", "clients": 20, "inflow": 10, "outflow": 0}],
            "drill_down_referrer": [
                {**_USE, "period_code": "2025", "referrer": name} for name in ("huisarts", "gemeente", "justitie")
            ],
        },
    ),
    "persons under two laws": (
        ("persons", "VB1", "2025H1", 2),
        {
            "drill_down": [
                {**_USE, **_FLOW, "law": law, "provision": "totaal", "period_code": "2025H1", "clients": clients}
                for law, clients in (("wmo", 50), ("jeugd", 20))
            ],
            "stapeling": [
                {
                    "region_code": "VB1",
                    "period_code": "2025H1",
                    "number_of_laws": number,
                    "persons": persons,
                    "laws_delivered": "wmo|jeugd",
                    "obs_status": "A",
                    "because": "Niet van iedereen is een huishouden geleverd: huishoudens zijn niet te tellen.",
                }
                for number, persons in ((1, 60), (2, None))
            ],
        },
    ),
    "households beside persons": (
        ("households", "VB1", "2025H1", 2),
        {
            "stapeling": [
                {
                    "region_code": "VB1",
                    "period_code": "2025H1",
                    "number_of_laws": number,
                    "persons": count,
                    "households": count or None,
                    "laws_delivered": "wmo|jeugd",
                    "obs_status": "A",
                    "because": "Kleine aantallen zijn weggelaten, en aantallen waaruit die te herleiden zijn.",
                }
                for number, count in ((1, 40), (2, 0))
            ]
        },
    ),
    "a rate": (
        ("figure", "regie", "VB1", "2025"),
        {
            "observation": [{**_FIGURE, **_HIDDEN, "region_code": "VB1"}],
            "indicator": [
                {
                    "indicator_id": "regie_per_1000",
                    "numerator_id": "regie",
                    "denominator_id": "bevolking",
                    "rate_factor": 1000.0,
                }
            ],
            "indicator_municipality": [
                {**_BELOW, "indicator_id": "regie_per_1000", "region_code": "VB1", "value": 0.3},
                {**_BELOW, "indicator_id": "bevolking", "region_code": "VB1", "value": 30_123.0},
            ],
        },
    ),
    "the same count of the year before": (
        ("figure", "regie", "VB1", "2025"),
        {
            "observation": [{**_FIGURE, **_HIDDEN, "region_code": "VB1"}],
            "indicator_municipality": [
                {
                    "indicator_id": "regie",
                    "region_code": "VB1",
                    "period_code": "2026",
                    "geography": "published",
                    "previous_period": "2025",
                    "previous_value": 10.0,
                }
            ],
        },
    ),
    "municipalities that went together": (
        ("figure", "regie", "VB2", "2025"),
        {
            "observation": [
                {**_FIGURE, "region_code": "VB1", "value": 20.0},
                {**_FIGURE, **_HIDDEN, "region_code": "VB2"},
            ],
            "region": [
                {"region_code": "VB1", "successor_codes": "VB9"},
                {"region_code": "VB2", "successor_codes": "VB9"},
            ],
            "indicator_municipality": [
                {
                    "indicator_id": "regie",
                    "region_code": "VB9",
                    "period_code": "2025",
                    "geography": "2026",
                    "value": 20.0,
                    "obs_status": "A",
                }
            ],
        },
    ),
    "the country beside a municipality": (
        ("figure", "regie", "VB00", "2025"),
        {
            "observation": [{**_FIGURE, **_HIDDEN, "region_code": "VB00"}],
            "indicator_municipality": [
                {**_BELOW, "indicator_id": "regie", "region_code": "VB1", "national_value": 10.0}
            ],
        },
    ),
    "the change of a count": (
        ("figure", "regie", "VB1", "2025"),
        {
            "observation": [
                {**_FIGURE, **_HIDDEN, "region_code": "VB1"},
                {**_FIGURE, "region_code": "VB1", "period_code": "2024", "value": 10.0},
            ],
            "indicator_municipality": [
                {
                    **_BELOW,
                    "indicator_id": "regie",
                    "region_code": "VB1",
                    "previous_period": "2024",
                    "change_pct": -50.0,
                }
            ],
        },
    ),
    "a wijk of a municipality": (
        ("figure", "regie", "VBWK000102", "2025"),
        {
            "observation": [
                {**_FIGURE, "region_code": "VB0001", "value": 25.0},
                {**_FIGURE, "region_code": "VBWK000101", "value": 20.0},
                {**_FIGURE, **_HIDDEN, "region_code": "VBWK000102"},
            ]
        },
    ),
    "an answer beside the other one": (
        ("given", "e", "weg", "VB1", "2025", "nee"),
        {
            "survey_answer": [
                {**_ANSWER, "question_kind": "yes_no", "answer": "ja", "share_pct": 90.0, "respondents": 50},
                {**_ANSWER, "question_kind": "yes_no", "answer": "nee", "respondents": 50},
            ]
        },
    ),
    "a mark beside a mean": (
        ("given", "e", "weg", "VB1", "2025", "9"),
        {
            "survey_answer": [
                {**_ANSWER, "question_kind": "mark", "answer": mark, "mean_mark": 9.9, "respondents": 20}
                for mark in ("9", "10")
            ]
        },
    ),
    "points that one person gave": (
        ("given", "e", "weg", "VB1", "2025", "fact_team"),
        {
            "survey_answer": [
                {**_ANSWER, "question_kind": "points_100", "answer": "wmo", "share_pct": 100.0, "respondents": 12},
                {**_ANSWER, "question_kind": "points_100", "answer": "fact_team", "respondents": 12},
            ]
        },
    ),
}


@pytest.mark.parametrize("what", LEAKS)
def test_what_would_tell_a_hidden_count_is_found(told: Callable[[Rows], duckdb.DuckDBPyConnection], what: str) -> None:
    name, rows = LEAKS[what]
    known = attacker.everything(told(rows))
    assert name in known.hidden
    assert known.widths()[name] < K - ALMOST


def test_by_itself_a_hidden_count_can_be_anything() -> None:
    known = Knowledge()
    name = known.read(("complaint",), None)
    assert known.widths()[name] >= K
