"""Which registered event a break gets, and with which share."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from pipelines.breaks import PanelError, detect
from pipelines.breaks.attribution import Broken, attribute, pooled_sizes
from pipelines.breaks.events import COLUMNS, read_events
from tests.unit.breaks_simulator import Simulated, simulate

MEMBERS = ["VB0003", "VB0017", "VB0044", "VB0081"]
INDICATORS = [f"indicator_{number}" for number in range(1, 5)]
FUSION_AT = 9  # 2019H2


def events(*rows: Mapping[str, object]) -> pa.Table:
    usual = {"kind": "ambtelijke_fusie", "nature": "measurement", "effective_date": dt.date(2019, 7, 1)}
    return pa.Table.from_pylist(
        [{**dict.fromkeys(COLUMNS), **usual, **row} for row in rows],
        schema=pa.schema([(name, pa.date32() if name == "effective_date" else pa.string()) for name in COLUMNS]),
    )


FUSION = {
    "event_id": "fusie",
    "region_codes": "|".join(MEMBERS),
    "indicator_ids": "*",
    "period_from": "2019H2",
}


def fused(seed: int = 9100) -> Simulated:
    """Four municipalities whose four indicators break together, among others that break on their own."""
    rng = np.random.default_rng(seed)
    shifts = {
        (indicator, region, FUSION_AT): float(rng.choice([-1, 1]) * rng.uniform(0.35, 0.6))
        for indicator in INDICATORS
        for region in MEMBERS
    }
    return simulate(seed, municipalities=120, indicators=4, broken=0.05, prefix="VB", shifts=shifts)


def listed(text: str) -> list[str]:
    return text.split("|") if text else []


def breaks_of_the_fusion(table: pa.Table) -> list[dict[str, Any]]:
    return [
        row
        for row in table.to_pylist()
        if row["region_code"] in MEMBERS and row["period_code"] in ("2019H1", "2019H2", "2020H1") and row["alarm"]
    ]


def test_the_breaks_of_an_ambtelijke_fusie_name_it_with_the_largest_share() -> None:
    national = {
        "event_id": "landelijk",
        "region_codes": "VB00",
        "indicator_ids": "*",
        "period_from": "2019H2",
    }
    elsewhere = {"event_id": "elders", "region_codes": "VB0003|VB0099", "indicator_ids": "indicator_1"}
    long_before = FUSION | {"event_id": "lang_geleden", "period_from": "2016H1"}
    table = detect(fused().panel, events(national, elsewhere, long_before, FUSION)).breaks
    found = breaks_of_the_fusion(table)
    assert len(found) >= 12
    assert {row["event_ids"].split("|")[0] for row in found} == {"fusie"}
    assert all("lang_geleden" not in row["event_ids"] for row in found)
    assert sum(row["cause"] == "explained" for row in found) >= 0.9 * len(found)


def test_shares_come_largest_first_and_never_exceed_the_whole() -> None:
    national = {"event_id": "landelijk", "region_codes": "*", "indicator_ids": "*", "period_from": "2019H2"}
    detection = detect(fused().panel, events(national, FUSION))
    for row in detection.breaks.to_pylist():
        shares = [float(share) for share in listed(row["event_shares"])]
        assert shares == sorted(shares, reverse=True)
        assert sum(shares) <= 1
        assert len(shares) == len(listed(row["event_ids"]))
    assert detection.attribution.num_rows == sum(len(listed(ids)) for ids in detection.breaks["event_ids"].to_pylist())


def test_two_events_with_the_same_scope_and_window_run_through_each_other() -> None:
    twin = FUSION | {"event_id": "harmonisatie"}
    found = breaks_of_the_fusion(detect(fused().panel, events(FUSION, twin)).breaks)
    assert {row["cause"] for row in found} == {"ambiguous"}
    assert all(set(listed(row["event_ids"])) == {"fusie", "harmonisatie"} for row in found)


def test_without_an_event_in_scope_and_window_a_break_is_unexplained() -> None:
    other_year = FUSION | {"period_from": "2016H1"}
    found = breaks_of_the_fusion(detect(fused().panel, events(other_year)).breaks)
    assert {row["cause"] for row in found} == {"unexplained"}
    assert all(row["event_ids"] == "" for row in found)


def test_without_a_register_every_break_is_unexplained() -> None:
    detection = detect(fused().panel)
    assert set(detection.breaks["cause"].to_pylist()) == {"unexplained"}
    assert detection.attribution.num_rows == 0


def test_an_event_of_the_country_does_not_explain_a_lone_municipal_break() -> None:
    national = {
        "event_id": "landelijk",
        "region_codes": "VB00",
        "indicator_ids": "*",
        "period_from": "2019H2",
    }
    lone = simulate(9101, municipalities=120, broken=0.1, prefix="VB", shifts={("indicator_1", "VB0005", 9): 0.9})
    found = [
        row
        for row in detect(lone.panel, events(national)).breaks.to_pylist()
        if row["region_code"] == "VB0005" and row["alarm"] and row["period_code"] == "2019H2"
    ]
    assert [row["event_ids"] for row in found] == ["landelijk"]
    assert found[0]["cause"] != "explained"


def test_a_break_of_the_country_is_explained_by_an_event_of_the_country_only() -> None:
    national = {
        "event_id": "wet",
        "region_codes": "VB00",
        "indicator_ids": "indicator_1",
        "period_from": "2019H2",
    }
    panel = simulate(9102, municipalities=60, prefix="VB", national={("indicator_1", FUSION_AT): 0.4}).panel
    found = [row for row in detect(panel, events(national, FUSION)).breaks.to_pylist() if row["region_code"] == "VB00"]
    assert [(row["event_ids"], row["cause"]) for row in found] == [("wet", "explained")]


def test_a_footprint_outweighs_a_wide_scope() -> None:
    cells = 100
    scope = np.zeros((cells, 2), dtype=bool)
    scope[:, 0] = True
    scope[:5, 1] = True
    cell = np.arange(5)
    timing = np.full((5, 2), 0.5)
    share = attribute(scope, Broken.without_size(cell), timing, 16).share
    assert (share[:, 1] > 0.8).all()
    assert (share.sum(axis=1) <= 1).all()


def test_events_that_did_nothing_explain_next_to_nothing_and_raise_no_alarms() -> None:
    simulated = simulate(9400, municipalities=150, indicators=3, broken=0.15, prefix="VB")
    rng = np.random.default_rng(9400)
    idle = [
        {
            "event_id": f"stil_{number}",
            "region_codes": "*" if number % 3 == 0 else "|".join(rng.permutation(simulated.regions)[:40]),
            "indicator_ids": "*",
            "period_from": simulated.periods[int(rng.integers(1, 16))],
        }
        for number in range(20)
    ]
    without, told = (
        [row for row in detect(simulated.panel, register).breaks.to_pylist() if row["alarm"] and row["kind"] != "gap"]
        for register in (None, events(*idle))
    )
    assert len(without) > 30
    assert abs(len(told) - len(without)) <= 3
    assert sum(row["cause"] != "unexplained" for row in told) <= 0.1 * len(told)


def test_the_size_of_an_event_that_broke_one_series_is_as_sure_as_that_break() -> None:
    one = Broken(
        np.array([0, 5]), np.array([0, 1]), np.array([3, 3]), np.array([0.3, 0.2]), np.array([0.02, 0.03]), np.ones(2)
    )
    effect, se, number = pooled_sizes(np.array([[1.0], [0.1]]), one, 2)
    assert effect[0, 0] == pytest.approx(0.3)
    assert se[0, 0] == pytest.approx(0.02)
    assert number.tolist() == [[1], [0]]
    assert np.isnan(se[1, 0])


def test_an_event_of_a_year_covers_both_half_years_and_one_period_beside() -> None:
    register = read_events(events(FUSION | {"period_from": "2019", "period_to": "2019"}))
    ordinals = np.array([2018 * 2, 2018 * 2 + 1, 2019 * 2, 2019 * 2 + 1, 2020 * 2, 2020 * 2 + 1])
    likely = register.timing(ordinals, np.full(6, 2))[:, 0]
    assert (likely > 0).tolist() == [False, True, True, True, True, False]
    assert likely[2] == likely[3] > likely[1] == likely[4]


def test_an_event_without_periods_starts_at_its_date() -> None:
    register = read_events(events(FUSION | {"period_from": None}))
    assert register.timing(np.array([2019 * 2 + 1]), np.array([2]))[0, 0] > 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"period_from": "2019H3"}, r"fusie \(period_from\): found period '2019H3'"),
        ({"period_from": None, "effective_date": None}, r"fusie \(effective_date\): found None"),
        (
            {"period_from": "2019H2", "period_to": "2018H1"},
            "fusie ending in 2018H1, expected not before 2019H2",
        ),
    ],
)
def test_a_register_that_cannot_be_used_is_refused_with_the_event_named(
    change: dict[str, object], message: str
) -> None:
    with pytest.raises(PanelError, match=message):
        read_events(events(FUSION | change))


def test_an_event_id_that_occurs_twice_is_refused() -> None:
    with pytest.raises(PanelError, match="fusie more than once"):
        read_events(events(FUSION, FUSION))
