"""Trend breaks in real accounts: taakveld 6, 2017-2024, all municipalities on the borders of 2023.

The accounts go the whole way to the panel that the main job looks at, and the detection is the one of the main job.

What it detects: national changes that are missed or told per municipality, borders that alarm, and empty forms that are
taken for figures. The likely cause is the common course, the rules, or the threshold.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from pipelines.breaks import Detection, detect
from pipelines.declarations.iv3 import indicator_of
from tests.iv3_accounts import TAAKVELDEN, Brought, bring

pytestmark = pytest.mark.shared_data

ACCOUNTS = {indicator_of("lasten", taakveld, "X005"): taakveld for taakveld in TAAKVELDEN}
# Taakveld 6.73 and 6.74 exist since 2023: two years are no series.
LONG = [taakveld for taakveld in TAAKVELDEN if taakveld not in ("6.73", "6.74")]


@pytest.fixture(scope="module")
def brought(shared_data: Path) -> Brought:
    return bring(shared_data)


@pytest.fixture(scope="module")
def detection(brought: Brought) -> Detection:
    panel = brought.panel.filter(pc.is_in(brought.panel["indicator_id"], value_set=pa.array(list(ACCOUNTS))))
    return detect(panel)


Rows = list[dict[str, object]]


def _alarms(detection: Detection, *, national: bool) -> Rows:
    rows = detection.breaks.to_pylist()
    return [row for row in rows if row["alarm"] and (row["region_code"] == "NL01") == national]


def _national(detection: Detection, year: str) -> dict[str, float]:
    """Effect in percent per taakveld, of what alarms for the country in a year."""
    return {
        ACCOUNTS[str(row["indicator_id"])]: float(str(row["effect_pct"]))
        for row in _alarms(detection, national=True)
        if row["period_code"] == year
    }


def test_the_recoding_of_2023_is_found_for_the_country_where_the_figures_show_it(detection: Detection) -> None:
    found = _national(detection, "2023")
    assert {"6.2", "6.6", "6.72", "6.82"} <= set(found)
    assert not {"6.4", "6.71"} & set(found)
    assert found["6.2"] > 15
    assert found["6.6"] > 15
    assert -55 < found["6.72"] < -35
    assert -35 < found["6.82"] < -15


def test_income_support_rises_for_the_country_in_2020_and_is_still_up_in_2021(detection: Detection) -> None:
    """Tozo, the support for the self-employed: a third more in 2020, and not all of it gone a year later."""
    steps = {
        str(row["period_code"]): (str(row["kind"]), float(str(row["effect_log"])))
        for row in _alarms(detection, national=True)
        if row["indicator_id"] == indicator_of("lasten", "6.3", "X005")
    }
    assert steps["2020"][1] > 0.2
    kind, effect = steps.get("2021", ("level", 0.0))
    assert steps["2020"][0] == "level" and kind == "level"
    assert steps["2020"][1] + effect > 0.1


def test_each_national_change_is_one_finding(detection: Detection) -> None:
    found = [(row["indicator_id"], row["period_code"]) for row in _alarms(detection, national=True)]
    assert len(found) == len(set(found))
    # Ukraine in 2022 (6.1), Tozo, the recoding, and a few that can be named: no year and item alarms by the dozen
    assert len(found) <= 12


def test_municipalities_do_not_alarm_for_what_the_country_does(detection: Detection) -> None:
    """Of 342 municipalities a few alarm in the year and taakveld of a national change, for reasons of their own."""
    for year, taakveld in (("2023", "6.72"), ("2023", "6.82"), ("2020", "6.3")):
        indicator_id = indicator_of("lasten", taakveld, "X005")
        own = [
            row
            for row in _alarms(detection, national=False)
            if (row["indicator_id"], row["period_code"]) == (indicator_id, year)
        ]
        assert len(own) <= 17, (year, taakveld)


def test_mergers_cause_no_breaks(brought: Brought, detection: Detection) -> None:
    """On the borders of 2023 a year of merging is a year like any other: no more alarms than beside it."""
    history = brought.history.changes.to_pylist()
    merged = {
        (str(row["to_code"]), str(row["effective_date"].year))
        for row in history
        if dt.date(2018, 1, 1) <= row["effective_date"] <= dt.date(2023, 1, 1) and row["from_code"] != row["to_code"]
    }
    alarms = {
        (str(row["region_code"]), str(row["period_code"]))
        for row in _alarms(detection, national=False)
        if row["kind"] != "scale"
    }
    regions = set(detection.detectable["region_code"].to_pylist())
    cells = {(region, str(year)) for region in regions for year in range(2018, 2024)}
    usual = len(alarms & cells - merged) / len(cells - merged)
    assert len(merged & cells) > 40
    assert len(alarms & merged) / len(merged & cells) <= 2 * usual


@pytest.mark.parametrize(
    ("region", "year"), [("GM0141", "2022"), ("GM0505", "2022"), ("GM1735", "2020")], ids=["Almelo", "Dordrecht", "Hof"]
)
def test_who_handed_in_nothing_but_zeros_has_a_gap_in_every_taakveld(
    detection: Detection, region: str, year: str
) -> None:
    gaps = {
        ACCOUNTS[str(row["indicator_id"])]
        for row in detection.breaks.to_pylist()
        if (row["region_code"], row["period_code"], row["kind"]) == (region, year, "gap")
    }
    assert {"6.1", "6.3", "6.72", "6.82"} <= gaps
    assert gaps <= set(LONG)
    assert not [
        row for row in _alarms(detection, national=False) if (row["region_code"], row["period_code"]) == (region, year)
    ]
