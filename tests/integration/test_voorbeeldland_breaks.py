"""The planted truth of Voorbeeldland against what the main job finds."""

from __future__ import annotations

import csv
import json
from typing import Any

from tests.integration.conftest import Workspace

PERIODS = [f"{year}H{half}" for year in range(2015, 2025) for half in (1, 2)]


def _truth(workspace: Workspace, kind: str) -> list[dict[str, str]]:
    path = workspace.sample / "voorbeeldland" / "truth.csv"
    with path.open(encoding="utf-8", newline="") as file:
        return [row for row in csv.DictReader(file) if row["kind"] == kind]


def _found(workspace: Workspace) -> list[dict[str, Any]]:
    names = (
        "break_id",
        "indicator_id",
        "region_code",
        "period_code",
        "kind",
        "cause",
        "event_ids",
        "effect_pct",
    )
    rows = workspace.rows(f"select {', '.join(names)} from marts.trend_break where region_code like 'VB%'")
    return [dict(zip(names, row, strict=True)) for row in rows]


def _matches(planted: dict[str, str], found: dict[str, Any]) -> bool:
    return (
        planted["indicator_id"] == found["indicator_id"]
        and planted["region_code"] == found["region_code"]
        and abs(PERIODS.index(planted["period_code"]) - PERIODS.index(found["period_code"])) <= 1
    )


def test_at_least_eight_of_ten_large_level_shifts_are_found(sample_run: Workspace) -> None:
    planted = _truth(sample_run, "large")
    levels = [row for row in _found(sample_run) if row["kind"] == "level"]
    assert len(planted) == 10
    assert sum(any(_matches(shift, row) for row in levels) for shift in planted) >= 8


def test_at_most_twenty_false_alarms_per_thousand_clean_series(sample_run: Workspace) -> None:
    truth = json.loads((sample_run.sample / "voorbeeldland" / "truth.json").read_text(encoding="utf-8"))
    clean = {
        (row["indicator_id"], row["region_code"])
        for row in truth["series"]
        if row["clean"] and row["region_code"] != "VB00"
    }
    alarms = {(row["indicator_id"], row["region_code"]) for row in _found(sample_run) if row["kind"] != "gap"}
    assert len(clean) > 800
    assert len(alarms & clean) <= 0.020 * len(clean)


def test_the_breaks_of_the_ambtelijke_fusie_name_the_fusie(sample_run: Workspace) -> None:
    planted = _truth(sample_run, "ambtelijke_fusie")
    found = _found(sample_run)
    matched = [row for shift in planted for row in found if row["kind"] == "level" and _matches(shift, row)]
    assert len(matched) >= 0.8 * len(planted)
    assert {row["event_ids"].split("|")[0] for row in matched} == {"vb_fusie_vierstromen"}
    assert {row["cause"] for row in matched} == {"explained"}


def test_the_herindeling_gives_no_break_on_harmonised_borders(sample_run: Workspace) -> None:
    merged = {row["region_code"] for row in _truth(sample_run, "herindeling")} | {
        "VB0007",
        "VB0008",
        "VB0121",
    }
    assert [row for row in _found(sample_run) if row["region_code"] in merged] == []


def test_the_merged_municipality_stands_on_its_new_borders_before_the_merger(sample_run: Workspace) -> None:
    rows = sample_run.rows(
        "select period_code, value from marts.indicator_municipality where region_code = 'VB0121' "
        "and indicator_id = 'wmo_hulp_bij_het_huishouden' and geography = '2026' and period_code < '2019' "
    )
    parts = dict(
        sample_run.rows(
            "select period_code, sum(value) from marts.indicator_municipality where region_code in "
            "('VB0007', 'VB0008') and indicator_id = 'wmo_hulp_bij_het_huishouden' "
            "and geography = 'published' and period_code < '2019' group by period_code"
        )
    )
    assert len(rows) == 8
    assert dict(rows) == parts


def test_the_factor_ten_is_a_scale_error_and_spoils_its_comparisons(sample_run: Workspace) -> None:
    (planted,) = _truth(sample_run, "factor_10")
    scale = [row for row in _found(sample_run) if row["kind"] == "scale"]
    assert any(_matches(planted, row) for row in scale)
    reasons = sample_run.rows(
        "select comparable_with_previous, incomparable_because from marts.indicator_municipality "
        f"where indicator_id = '{planted['indicator_id']}' and region_code = '{planted['region_code']}' "
        f"and period_code = '{planted['period_code']}' and geography = 'published'"
    )
    assert reasons == [(False, "unexplained_break")]


def test_the_missing_delivery_is_a_gap_and_missing_in_coverage(sample_run: Workspace) -> None:
    planted = _truth(sample_run, "non_delivery")
    region, period = planted[0]["region_code"], planted[0]["period_code"]
    gaps = {row["indicator_id"] for row in _found(sample_run) if row["kind"] == "gap" and row["region_code"] == region}
    assert gaps == {row["indicator_id"] for row in planted}
    assert sample_run.rows(
        "select distinct delivery from marts.coverage where source_id = 'vb_wmo' "
        f"and region_code = '{region}' and period_code = '{period}'"
    ) == [("missing",)]


def test_no_comparison_across_the_fusie_is_called_comparable(sample_run: Workspace) -> None:
    rows = sample_run.rows(
        "select distinct incomparable_because from marts.indicator_municipality as figure "
        "inner join marts.trend_break as found using (indicator_id, region_code) "
        "where found.event_ids like 'vb_fusie_vierstromen%' and figure.period_code = '2018H1' "
        "and found.period_code = '2018H1' and figure.geography = '2026'"
    )
    assert rows == [("administrative_merger",)]


def test_the_planted_conflict_is_the_only_one(sample_run: Workspace) -> None:
    (planted,) = _truth(sample_run, "conflict")
    rows = sample_run.rows("select region_code, period_code, source_id, other_source_id from marts.conflict")
    assert rows == [(planted["region_code"], planted["period_code"], "vb_wmo", "vb_wmo_kerncijfers")]


def test_every_series_says_what_could_not_have_been_found(sample_run: Workspace) -> None:
    missing = sample_run.value(
        "select count(*) from marts.trend_break where kind = 'level' and detectable_effect_pct is null"
    )
    assert missing == 0
