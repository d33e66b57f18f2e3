"""Breaks that several series share, and what registered events did: groups, events and the scores they favour."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

from pipelines.breaks import Detection, PanelError, detect
from pipelines.breaks.events import COLUMNS
from tests.unit.breaks_simulator import Simulated, simulate

SEED = 9300
MEMBERS = ["VB0005", "VB0021", "VB0040", "VB0066", "VB0101"]
AT = 8
GROUPS = pa.table({"group_code": ["SV-FICT"] * len(MEMBERS), "region_code": MEMBERS})
INDICATORS = [f"indicator_{number}" for number in range(1, 5)]


def rows(detection: Detection, **equal: Any) -> list[dict[str, Any]]:
    return [row for row in detection.breaks.to_pylist() if all(row[name] == value for name, value in equal.items())]


def moved(regions: list[str], effect: float) -> Simulated:
    """One indicator in which some regions shift together, among others that break on their own."""
    shifts = {("indicator_1", region, AT): effect for region in regions}
    return simulate(SEED, municipalities=150, prefix="VB", broken=0.05, shifts=shifts)


def register(*events: Mapping[str, object]) -> pa.Table:
    usual = {"kind": "definitie", "nature": "measurement", "effective_date": dt.date(2019, 1, 1)}
    schema = pa.schema([(name, pa.date32() if name == "effective_date" else pa.string()) for name in COLUMNS])
    return pa.Table.from_pylist([{**dict.fromkeys(COLUMNS), **usual, **event} for event in events], schema=schema)


def test_a_break_of_all_members_is_one_finding_of_their_cooperation() -> None:
    simulated = moved(MEMBERS, 0.4)
    found = detect(simulated.panel, groups=GROUPS)
    shared = rows(found, region_code="SV-FICT", alarm=True)
    assert [(row["kind"], row["period_code"]) for row in shared] == [("level", simulated.periods[AT])]
    assert shared[0]["effect_low"] < 100 * np.expm1(0.4) < shared[0]["effect_high"]
    near = set(simulated.periods[AT - 1 : AT + 2])
    assert not [row for row in rows(found, alarm=True) if row["region_code"] in MEMBERS and row["period_code"] in near]
    own = [row for row in rows(found) if row["region_code"] in MEMBERS and row["period_code"] in near]
    assert len(own) >= 3


def test_a_break_of_one_member_is_its_own_and_not_that_of_the_cooperation() -> None:
    found = detect(moved(MEMBERS[:1], 0.9).panel, groups=GROUPS)
    assert not rows(found, region_code="SV-FICT", alarm=True)
    assert rows(found, region_code=MEMBERS[0], alarm=True, kind="level")


def test_members_that_move_in_opposite_directions_share_nothing() -> None:
    shifts = {("indicator_1", region, AT): (-1) ** number * 0.6 for number, region in enumerate(MEMBERS)}
    panel = simulate(SEED, municipalities=150, prefix="VB", broken=0.05, shifts=shifts).panel
    assert not rows(detect(panel, groups=GROUPS), region_code="SV-FICT", alarm=True)


def changed(simulated: Simulated, where: pl.Expr, factor: float | pl.Expr) -> pl.DataFrame:
    """The panel with figures multiplied where told."""
    panel = pl.from_arrow(simulated.panel)
    assert isinstance(panel, pl.DataFrame)
    panel = panel.with_columns(value=pl.when(where).then((pl.col("value") * factor / 5).round() * 5).otherwise("value"))
    return panel.with_columns(numerator=pl.col("value"))


@pytest.mark.parametrize("off", ["scale", "own break", "gap"])
def test_a_member_whose_figures_are_off_does_not_hide_what_the_others_share(off: str) -> None:
    simulated = moved(MEMBERS, 0.4)
    its = pl.col("region_code") == MEMBERS[2]
    since = {"scale": 3, "own break": 5, "gap": 4}[off]
    later = its & (pl.col("period_code") >= simulated.periods[since])
    if off == "gap":
        short = later & (pl.col("period_code") < simulated.periods[since + 3])
        panel = changed(simulated, pl.lit(value=False), 1.0).filter(~short)
    else:
        panel = changed(simulated, later, {"scale": 1000.0, "own break": 4.0}[off])
    shared = rows(detect(panel, groups=GROUPS), region_code="SV-FICT", alarm=True)
    assert [(row["kind"], row["period_code"]) for row in shared] == [("level", simulated.periods[AT])]
    assert shared[0]["effect_low"] < 100 * np.expm1(0.4) < shared[0]["effect_high"]


def test_shocks_that_neighbours_have_in_common_in_every_period_are_no_break_of_their_cooperation() -> None:
    simulated = simulate(SEED + 8, municipalities=160, indicators=3, prefix="VB", broken=0.0)
    neighbours = pa.table(
        {"group_code": np.repeat([f"SV-{part:02d}" for part in range(16)], 10), "region_code": simulated.regions}
    )
    shocks = np.random.default_rng(SEED).normal(0, 0.06, (3, 16, len(simulated.periods)))
    told = pl.DataFrame(
        {
            "indicator_id": np.repeat(simulated.indicators, 160 * len(simulated.periods)),
            "region_code": np.tile(np.repeat(simulated.regions, len(simulated.periods)), 3),
            "period_code": np.tile(simulated.periods, 480),
            "factor": np.exp(np.repeat(shocks, 10, axis=1)).ravel(),
        }
    )
    panel = pl.from_arrow(simulated.panel)
    assert isinstance(panel, pl.DataFrame)
    panel = panel.join(told, on=["indicator_id", "region_code", "period_code"])
    panel = panel.with_columns(value=(pl.col("value") * pl.col("factor") / 5).round() * 5).drop("factor")
    found = detect(panel.with_columns(numerator=pl.col("value")), groups=neighbours)
    assert len([row for row in rows(found, alarm=True) if str(row["region_code"]).startswith("SV-")]) <= 3


def test_a_country_that_starts_to_grow_faster_is_one_finding() -> None:
    simulated = simulate(SEED + 9, municipalities=100, indicators=5, prefix="VB", broken=0.03)
    since = (pl.col("period_code").rank("dense").cast(pl.Int64) - AT).clip(lower_bound=0)
    growing = (pl.col("indicator_id") == "indicator_1") & (since > 0)
    found = detect(changed(simulated, growing, (0.1 * since).exp()))
    (national,) = rows(found, region_code="VB00", alarm=True)
    assert (national["indicator_id"], national["kind"]) == ("indicator_1", "slope")
    assert abs(simulated.periods.index(national["period_code"]) - AT) <= 1
    assert abs(national["effect_log"] - 0.1) < 3 * national["se"] < 0.1


def test_groups_without_their_columns_are_refused() -> None:
    panel = simulate(SEED, municipalities=8).panel
    with pytest.raises(PanelError, match="groups: found no column region_code"):
        detect(panel, groups=pa.table({"group_code": ["SV-FICT"]}))
    with pytest.raises(PanelError, match="without group_code or region_code"):
        detect(panel, groups=pa.table({"group_code": ["SV-FICT"], "region_code": pa.nulls(1, pa.string())}))


def test_the_table_of_events_says_which_show_and_how_large_they_are() -> None:
    shifts = {(name, region, AT): 0.45 for name in INDICATORS[:2] for region in MEMBERS}
    simulated = simulate(SEED + 1, municipalities=150, indicators=4, prefix="VB", broken=0.03, shifts=shifts)
    period = simulated.periods[AT]
    happened = {"event_id": "telt", "region_codes": "|".join(MEMBERS), "indicator_ids": "*", "period_from": period}
    decoy = happened | {"event_id": "stil", "region_codes": "VB0007|VB0090|VB0120"}
    found = detect(simulated.panel, register(happened, decoy))
    shown = {(row["event_id"], row["indicator_id"]): row for row in found.events.to_pylist()}
    assert set(shown) == {(event, name) for event in ("telt", "stil") for name in INDICATORS}
    for name in INDICATORS[:2]:
        row = shown["telt", name]
        assert row["visible"]
        assert (row["series"], row["broken"] >= 3) == (5, True)
        assert abs(row["effect_log"] - 0.45) < 4 * row["se"] < 0.4
    assert not any(shown["stil", name]["visible"] for name in INDICATORS)
    named = [row for row in found.attribution.to_pylist() if row["event_id"] == "telt" and row["share"] > 0.5]
    assert all(row["visible"] == shown["telt", row["indicator_id"]]["visible"] for row in named)


def test_a_weak_break_scores_better_where_its_event_shows_elsewhere_and_others_pay_a_little() -> None:
    strong = {(name, region, AT): 0.6 for name in INDICATORS for region in MEMBERS[:4]}
    weak = {(name, MEMBERS[4], AT): 0.2 for name in INDICATORS}
    simulated = simulate(SEED + 2, municipalities=150, indicators=4, prefix="VB", broken=0.03, shifts=strong | weak)
    event = {"event_id": "fusie", "region_codes": "|".join(MEMBERS), "indicator_ids": "*"}
    during = register(event | {"period_from": simulated.periods[AT]})
    scores = [
        {
            (row["indicator_id"], row["region_code"], row["period_code"], row["kind"]): row["score"]
            for row in rows(found)
        }
        for found in (detect(simulated.panel), detect(simulated.panel, during))
    ]
    near = set(simulated.periods[AT - 1 : AT + 2])
    inside = [key for key in scores[0] if key[1] == MEMBERS[4] and key[2] in near and scores[0][key] > 0]
    outside = [key for key in scores[0] if key[1] not in MEMBERS and scores[0][key] > 0]
    assert inside
    assert np.mean([scores[1][key] - scores[0][key] for key in inside]) > 0.5
    changes = [scores[1][key] - scores[0][key] for key in outside if key[3] in ("level", "one_off", "slope")]
    assert max(changes) <= 1e-9
    assert min(changes) > -0.3


def test_an_event_near_which_nothing_else_broke_helps_no_break() -> None:
    simulated = simulate(SEED + 3, municipalities=150, indicators=4, prefix="VB", broken=0.1)
    regions = "|".join(f"VB{number:04d}" for number in range(20, 60))
    decoys = [
        {"event_id": f"stil_{at}", "region_codes": regions, "indicator_ids": "*", "period_from": simulated.periods[at]}
        for at in (4, 10)
    ]
    plain, told = (detect(simulated.panel, events) for events in (None, register(*decoys)))
    number = [len([row for row in rows(found, alarm=True) if row["kind"] != "scale"]) for found in (plain, told)]
    assert abs(number[0] - number[1]) <= 2


def test_a_national_one_off_is_one_finding_and_no_flood() -> None:
    simulated = simulate(SEED + 4, municipalities=150, indicators=2, prefix="VB", broken=0.03)
    panel = pl.from_arrow(simulated.panel)
    assert isinstance(panel, pl.DataFrame)
    odd = (pl.col("indicator_id") == "indicator_1") & (pl.col("period_code") == simulated.periods[AT])
    panel = panel.with_columns(value=pl.when(odd).then((pl.col("value") * 1.4 / 5).round() * 5).otherwise("value"))
    found = detect(panel.with_columns(numerator=pl.col("value")))
    national = rows(found, region_code="VB00", alarm=True)
    assert [(row["indicator_id"], row["kind"], row["period_code"]) for row in national] == [
        ("indicator_1", "one_off", simulated.periods[AT])
    ]
    flood = [row for row in rows(found, alarm=True, period_code=simulated.periods[AT]) if row["region_code"] != "VB00"]
    assert len(flood) <= 4


def test_a_growth_that_changes_is_a_slope_from_its_first_period() -> None:
    simulated = simulate(SEED + 5, municipalities=150, prefix="VB", broken=0.0)
    panel = pl.from_arrow(simulated.panel)
    assert isinstance(panel, pl.DataFrame)
    means = panel.group_by("region_code").agg(pl.col("value").mean()).sort("value")
    region = means["region_code"][140]
    since = pl.col("period_code").rank("dense").cast(pl.Int64) - 7  # 1 in the eighth period
    growing = (pl.col("region_code") == region) & (since > 0)
    panel = panel.with_columns(
        value=pl.when(growing).then((pl.col("value") * (0.1 * since).exp()).round()).otherwise("value")
    )
    (found,) = rows(detect(panel.with_columns(numerator=pl.col("value"))), region_code=region, alarm=True)
    assert found["kind"] == "slope"
    assert abs(simulated.periods.index(found["period_code"]) - 7) <= 2
    assert 0.07 < found["effect_log"] < 0.14
    assert found["link_factor"] is None


def test_a_figure_that_hardly_varies_breaks_only_when_it_matters() -> None:
    rng = np.random.default_rng(SEED)
    size, periods = 60, 12
    growth = 0.004 * np.arange(periods) + rng.normal(0, 0.002, (size, 1)) * np.arange(periods)
    people = rng.uniform(10_000, 80_000, (size, 1)) * np.exp(growth)
    people[0, 6:] *= np.exp(0.006 * np.arange(1, 7))  # grows a little faster
    people[1, 6:] *= 1.01
    people[2, 6:] *= 1.08
    people[3, 6:] *= np.exp(0.04 * np.arange(1, 7))
    regions = [f"VB{number:04d}" for number in range(1, size + 1)]
    panel = pl.DataFrame(
        {
            "indicator_id": "bevolking",
            "region_code": np.repeat(regions, periods),
            "period_code": np.tile([str(2013 + year) for year in range(periods)], size),
            "value": np.round(people).ravel(),
            "unit": "count",
            "obs_status": "A",
        }
    ).with_columns(numerator=pl.col("value"), denominator=pl.lit(None, pl.Float64))
    found = rows(detect(panel), alarm=True)
    assert {(row["region_code"], row["kind"]) for row in found} == {("VB0003", "level"), ("VB0004", "slope")}


def test_the_number_of_threads_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    panel = simulate(SEED + 6, municipalities=40, indicators=4).panel
    many = detect(panel)
    monkeypatch.setattr("pipelines.breaks.side_by_side._MOST_THREADS", 1)
    one = detect(panel)
    assert many.breaks.equals(one.breaks)
    assert many.detectable.equals(one.detectable)


def test_a_panel_in_blocks_gives_what_it_gives_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    panel = simulate(SEED + 7, municipalities=90).panel
    whole = detect(panel).breaks
    monkeypatch.setattr("pipelines.breaks.against_peers._BLOCK", 32)
    parts = detect(panel).breaks
    assert parts.drop_columns(["effect_log", "se", "effect_pct", "effect_low", "effect_high", "score"]).equals(
        whole.drop_columns(["effect_log", "se", "effect_pct", "effect_low", "effect_high", "score"])
    )
    assert np.allclose(parts["score"].to_numpy(), whole["score"].to_numpy())
