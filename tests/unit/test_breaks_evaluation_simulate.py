"""Simulated panels: what is planted is in the figures, what is not planted is not, and the faults of real deliveries
are there.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.breaks.evaluation.noise_models import NOISE_MODELS
from pipelines.breaks.evaluation.planted import COUNTRY, KINDS, LEVEL, ONE_OFF, SCALE, SLOPE, Planted, group_row
from pipelines.breaks.evaluation.simulate import UNITS, simulate
from pipelines.breaks.events import read_events
from pipelines.breaks.panel import read_panel

FAULTLESS: dict[str, Any] = {"gaps": 0.0, "provisional": False, "suppressed": False, "seasonal": False, "rounding": 0.0}


def frame(table: pa.Table) -> pl.DataFrame:
    made = pl.from_arrow(table)
    assert isinstance(made, pl.DataFrame)
    return made


def matrix(table: pa.Table, name: str = "value") -> np.ndarray:
    """Series x periods of a panel of which every row is there."""
    wide = frame(table).sort("indicator_id", "region_code", "period_code")
    return wide[name].to_numpy().reshape(-1, wide["period_code"].n_unique())


@pytest.mark.parametrize("generator", list(NOISE_MODELS))
def test_the_same_seed_gives_the_same_tables_and_another_seed_others(generator: str) -> None:
    wishes: dict[str, Any] = {"series": 50, "indicators": 3, "competing": True, "groups": 2, "national": True}
    one, same, other = (simulate(generator, seed=seed, **wishes) for seed in (5, 5, 6))
    for name in ("panel", "events", "groups", "truth"):
        assert getattr(one, name).equals(getattr(same, name))
    assert not one.panel.equals(other.panel)
    assert not one.truth.equals(other.truth)


def test_the_municipalities_do_not_depend_on_what_is_planted() -> None:
    clean = simulate("misspecified", seed=3, broken=0.0, **FAULTLESS)
    broken = simulate("misspecified", seed=3, broken=0.5, **FAULTLESS)
    assert matrix(clean.panel, "denominator").tolist() == matrix(broken.panel, "denominator").tolist()
    untouched = ~np.isin(frame(clean.panel)["region_code"].unique().sort(), frame(broken.truth)["region_code"])
    before, after = matrix(clean.panel)[untouched], matrix(broken.panel)[untouched]
    assert np.median(np.abs(np.log((after + 1) / (before + 1)))) < 0.15


def test_a_planted_shift_is_in_the_figures_from_its_period_on_and_only_there() -> None:
    simulated = simulate("plain", seed=4, fixed=(9, 50.0, 0.3), **FAULTLESS)
    value = matrix(simulated.panel)
    regions = frame(simulated.panel)["region_code"].unique().sort()
    planted = np.isin(regions, frame(simulated.truth)["region_code"])
    assert 60 < planted.sum() < 150
    step = np.log(value[:, 9:].mean(axis=1) / value[:, :9].mean(axis=1))
    large = value.min(axis=1) > 200
    assert np.median(step[planted & large]) - np.median(step[~planted & large]) == pytest.approx(np.log(1.5), abs=0.02)
    before = np.log(value[:, 8] / value[:, 7])
    assert abs(np.median(before[planted & large]) - np.median(before[~planted & large])) < 0.03
    assert set(simulated.truth["period_code"].to_pylist()) == {"2016H2"}
    assert simulated.truth["effect_log"].to_pylist() == pytest.approx([np.log(1.5)] * int(planted.sum()))


def test_effects_have_the_shape_of_their_kind() -> None:
    kinds = np.array([LEVEL, ONE_OFF, SLOPE, SCALE])
    each = np.arange(4)
    planted = Planted(
        indicator=np.zeros(4, dtype=np.int64),
        region=each,
        first=np.array([3, 2, 3, 1]),
        last=np.array([5, 2, 5, 2]),
        kind=kinds,
        effect=np.array([0.5, -0.3, 0.1, 2.0]),
        event=np.full(4, -1),
    )
    assert planted.log_effects((1, 4, 6), [])[0] == pytest.approx(
        np.array(
            [
                [0, 0, 0, 0.5, 0.5, 0.5],
                [0, 0, -0.3, 0, 0, 0],
                [0, 0, 0, 0.1, 0.2, 0.3],
                [0, 2.0, 2.0, 0, 0, 0],
            ]
        )
    )


def test_common_effects_reach_everyone_or_the_members_of_a_group() -> None:
    national = Planted.of(np.array([1]), np.array([COUNTRY]), np.array([2]), LEVEL, np.array([0.2]), np.array([3]))
    region = np.array([COUNTRY - 2])
    assert group_row(int(region[0])) == 1
    common = Planted.of(np.array([0]), region, np.array([1]), LEVEL, np.array([0.4]), np.array([3]))
    total = Planted.together([national, common]).log_effects((2, 3, 4), [np.array([0]), np.array([0, 2])])
    assert total[1] == pytest.approx(np.tile([0, 0, 0.2, 0.2], (3, 1)))
    assert total[0] == pytest.approx(np.array([[0, 0.4, 0.4, 0.4], [0, 0, 0, 0], [0, 0.4, 0.4, 0.4]]))


def test_about_fifteen_percent_of_the_series_have_a_break_of_every_kind_at_any_period() -> None:
    simulated = simulate("plain", seed=7, indicators=10)
    truth = frame(simulated.truth).filter(pl.col("kind") != "gap")
    assert 0.13 < truth.select("indicator_id", "region_code").unique().height / simulated.series < 0.17
    assert set(truth["kind"]) == set(KINDS)
    level = truth.filter(pl.col("kind") == LEVEL)
    assert level["period_code"].n_unique() == 15
    percent = 100 * np.abs(np.expm1(level["effect_log"].to_numpy()))
    assert percent.min() >= 10 and percent.max() <= 60
    assert 0.4 < (level["effect_log"].to_numpy() > 0).mean() < 0.6


def test_what_is_not_shown_has_the_status_that_says_why() -> None:
    simulated = simulate("misspecified", seed=8, indicators=6, series=200)
    panel = frame(simulated.panel)
    newest = panel["period_code"].max()
    assert set(panel["obs_status"]) == {"A", "P", "Q", "L"}
    assert set(panel.filter(pl.col("obs_status") == "P")["period_code"]) == {newest}
    assert not panel.filter(pl.col("period_code") == newest)["obs_status"].is_in(["A"]).any()
    shown = pl.col("obs_status").is_in(["A", "P"])
    assert panel.filter(shown)["value"].null_count() == 0
    assert panel.filter(~shown)["value"].null_count() == panel.filter(~shown).height
    assert panel.filter(~shown)["numerator"].null_count() == panel.filter(~shown).height
    key = ["indicator_id", "region_code"]
    scaled = frame(simulated.truth).filter(pl.col("kind") == SCALE).select(key).unique()
    rounded = panel.filter(shown).join(scaled, on=key, how="anti")["value"]
    assert rounded.min() == 10
    assert (rounded % 5 == 0).all()


def test_a_gap_in_the_truth_is_a_period_without_a_figure_and_the_other_way_about() -> None:
    simulated = simulate("plain", seed=9, indicators=4)
    panel, truth = frame(simulated.panel), frame(simulated.truth)
    key = ["indicator_id", "region_code", "period_code"]
    gaps = truth.filter(pl.col("kind") == "gap")
    assert gaps.height > 20
    delivered = panel.filter(pl.col("obs_status") != "L").select(key)
    assert gaps.join(delivered, on=key).height == 0
    returned = gaps.drop_nulls("returned_in").select("indicator_id", "region_code", period_code="returned_in")
    assert returned.join(delivered, on=key).height == returned.height
    missing = panel.select("region_code").unique().height * 4 * 16 - delivered.height
    assert missing >= gaps.height
    # Half of them have no row at all.
    assert 0 < missing - panel.filter(pl.col("obs_status") == "L").height < missing
    planted = truth.filter(pl.col("kind") != "gap").select(key)
    assert planted.join(delivered, on=key).height == planted.height


def test_a_national_step_is_one_row_of_truth_and_moves_every_series() -> None:
    simulated = simulate("plain", seed=10, indicators=2, national=True, broken=0.0, **FAULTLESS)
    (step,) = simulated.truth.to_pylist()
    assert (step["indicator_id"], step["region_code"], step["kind"]) == ("indicator_001", simulated.country, LEVEL)
    value = matrix(simulated.panel)[:340]
    at = sorted(set(simulated.panel["period_code"].to_pylist())).index(step["period_code"])
    moved = np.log(value[:, at:].mean(axis=1) / value[:, :at].mean(axis=1))
    assert np.median(moved) == pytest.approx(step["effect_log"], abs=0.1)
    assert (np.sign(moved) == np.sign(step["effect_log"])).mean() > 0.9


def test_the_truth_of_a_cooperation_names_its_code_and_its_members_move() -> None:
    simulated = simulate("plain", seed=11, groups=3, broken=0.0, **FAULTLESS)
    assert simulated.truth["region_code"].to_pylist() == ["SV-003", "SV-002", "SV-001"]
    groups = frame(simulated.groups)
    assert groups.group_by("group_code").len()["len"].to_list() == [5, 5, 5]
    assert groups["region_code"].n_unique() == 15
    value, regions = matrix(simulated.panel), frame(simulated.panel)["region_code"].unique().sort()
    periods = sorted(set(simulated.panel["period_code"].to_pylist()))
    for row in simulated.truth.to_pylist():
        own = np.isin(regions, groups.filter(pl.col("group_code") == row["region_code"])["region_code"])
        at = periods.index(row["period_code"])
        moved = np.log(value[:, at:].mean(axis=1) / value[:, :at].mean(axis=1))
        assert np.median(moved[own]) - np.median(moved[~own]) == pytest.approx(row["effect_log"], abs=0.12)


def test_a_break_with_a_cause_lies_in_the_scope_and_the_window_of_its_event() -> None:
    simulated = simulate("misspecified", seed=12, indicators=6, competing=True)
    everything = {
        "region_codes": "|".join(set(simulated.panel["region_code"].to_pylist())),
        "indicator_ids": "|".join(set(simulated.panel["indicator_id"].to_pylist())),
    }
    events = {
        row["event_id"]: {**row, **{name: codes for name, codes in everything.items() if row[name] == "*"}}
        for row in simulated.events.to_pylist()
    }
    assert "*" in simulated.events["region_codes"].to_pylist()
    caused = [row for row in simulated.truth.to_pylist() if row["event_id"]]
    assert len(caused) > 80
    for row in caused:
        event = events[row["event_id"]]
        assert row["region_code"] in event["region_codes"].split("|")
        assert row["indicator_id"] in event["indicator_ids"].split("|")
        assert event["period_from"] <= row["period_code"] <= event["period_to"]
        is_measurement = event["nature"] == "measurement"
        assert row["factor"] == (pytest.approx(np.exp(row["effect_log"])) if is_measurement else None)
    # More events do nothing than do something, and many breaks have an event beside their own.
    assert len({row["event_id"] for row in caused}) < len(events) / 2
    beside = [
        sum(
            row["region_code"] in event["region_codes"].split("|")
            and row["indicator_id"] in event["indicator_ids"].split("|")
            and event["period_from"] <= row["period_code"] <= event["period_to"]
            for event in events.values()
        )
        for row in caused
    ]
    assert np.mean(np.array(beside) > 1) > 0.2
    assert len(read_events(simulated.events)) == len(events)


def test_a_break_without_a_cause_has_no_event_and_no_factor() -> None:
    simulated = simulate("plain", seed=13, indicators=6, competing=True)
    without = frame(simulated.truth).filter(pl.col("event_id").is_null())
    assert without.height > 50
    assert without["factor"].null_count() == without.height


@pytest.mark.parametrize("unit", UNITS)
def test_every_unit_gives_a_panel_that_can_be_read_with_figures_of_its_kind(unit: str) -> None:
    simulated = simulate("misspecified", seed=14, series=80, unit=unit, broken=0.0)
    (grid,) = read_panel(simulated.panel)
    assert grid.unit == unit
    known = grid.value[np.isfinite(grid.value)]
    assert known.min() > 0
    counted = unit in ("count", "per_1000", "per_10000", "pct")
    assert np.isfinite(grid.numerator).any() == counted
    assert (grid.status == "Q").any() <= counted
    if unit == "pct":
        assert known.max() < 100
    if counted and unit != "count":
        per = {"per_1000": 1000.0, "per_10000": 10_000.0, "pct": 100.0}[unit]
        both = np.isfinite(grid.value)
        assert np.abs(grid.value - per * grid.numerator / grid.denominator)[both].max() <= 0.0501


def test_numbers_behind_a_figure_can_be_left_out() -> None:
    panel = simulate("plain", seed=15, series=30, unit="per_1000", numerators=False, denominators=False).panel
    assert panel["numerator"].null_count == panel["denominator"].null_count == panel.num_rows


@given(
    generator=st.sampled_from(sorted(NOISE_MODELS)),
    periods=st.integers(8, 30),
    per_year=st.sampled_from([1, 2, 4, 12]),
    indicators=st.integers(1, 3),
    seed=st.integers(0, 2**32 - 1),
)
@settings(max_examples=25, deadline=None)
def test_any_panel_has_one_row_per_key_and_its_truth_lies_within_it(
    generator: str, periods: int, per_year: int, indicators: int, seed: int
) -> None:
    simulated = simulate(
        generator, seed=seed, series=40, periods=periods, per_year=per_year, indicators=indicators, national=True
    )
    panel, truth = frame(simulated.panel), frame(simulated.truth)
    assert panel.select("indicator_id", "region_code", "period_code").is_unique().all()
    codes = set(panel["period_code"])
    assert len(codes) == periods
    assert set(truth["period_code"]) | set(truth["returned_in"].drop_nulls()) <= codes
    assert set(truth["region_code"]) <= {*panel["region_code"], simulated.country}


def test_what_cannot_be_simulated_is_refused() -> None:
    with pytest.raises(ValueError, match=r"found unit 'liters', expected one of count"):
        simulate("plain", seed=1, unit="liters")
    with pytest.raises(ValueError, match=r"found 7 periods, expected at least 8"):
        simulate("plain", seed=1, periods=7)
    with pytest.raises(KeyError):
        simulate("unheard of", seed=1)
