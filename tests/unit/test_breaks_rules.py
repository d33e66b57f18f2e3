"""What the rules find without statistics: gaps, returns and figures off by a power of ten."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from pipelines.breaks import detect
from tests.unit.breaks_simulator import simulate

REGION = "GM0007"


def quiet(points: int = 12, municipalities: int = 30, **wishes: Any) -> pl.DataFrame:
    """A panel without a planted break."""
    simulated = simulate(9001, points=points, municipalities=municipalities, broken=0.0, **wishes)
    frame = pl.from_arrow(simulated.panel)
    assert isinstance(frame, pl.DataFrame)
    # Large enough that no figure is suppressed by itself.
    return frame.with_columns(value=pl.col("value").fill_null(10.0) * 10, numerator=None, obs_status=pl.lit("A"))


def at(*periods: str, region: str = REGION) -> pl.Expr:
    return (pl.col("region_code") == region) & pl.col("period_code").is_in(periods)


def changed(panel: pl.DataFrame, where: pl.Expr, value: pl.Expr, status: str = "A") -> pl.DataFrame:
    return panel.with_columns(
        value=pl.when(where).then(value).otherwise(pl.col("value")),
        obs_status=pl.when(where).then(pl.lit(status)).otherwise(pl.col("obs_status")),
    )


def found(panel: pl.DataFrame, kind: str) -> list[dict[str, Any]]:
    return [row for row in detect(panel).breaks.to_pylist() if row["kind"] == kind]


def test_a_missing_delivery_is_a_gap_with_its_return_and_no_alarm() -> None:
    gaps = found(changed(quiet(), at("2017H1", "2017H2"), pl.lit(None, pl.Float64), "L"), "gap")
    assert [(row["region_code"], row["period_code"], row["returned_in"]) for row in gaps] == [
        (REGION, "2017H1", "2018H1")
    ]
    assert not gaps[0]["alarm"]
    assert gaps[0]["effect_pct"] is None


def test_an_absent_row_is_a_missing_delivery() -> None:
    gaps = found(quiet().filter(~at("2017H1")), "gap")
    assert [(row["period_code"], row["returned_in"]) for row in gaps] == [("2017H1", "2017H2")]


def test_a_delivery_that_never_returns_has_no_period_of_return() -> None:
    gaps = found(quiet().filter(~at("2020H1", "2020H2")), "gap")
    assert [(row["period_code"], row["returned_in"]) for row in gaps] == [("2020H1", None)]


@pytest.mark.parametrize("status", ["Q", "M"])
def test_a_suppressed_figure_and_one_that_cannot_exist_are_no_gap(status: str) -> None:
    assert not found(changed(quiet(), at("2017H1"), pl.lit(None, pl.Float64), status), "gap")


def test_periods_before_the_first_delivery_are_no_gap() -> None:
    assert not found(quiet().filter(~at("2015H1", "2015H2")), "gap")


def test_a_zero_in_a_series_of_hundreds_was_not_delivered() -> None:
    gaps = found(changed(quiet(), at("2017H1"), pl.lit(0.0)), "gap")
    assert [(row["region_code"], row["period_code"]) for row in gaps] == [(REGION, "2017H1")]


def test_a_period_nobody_delivered_is_one_gap_of_the_country() -> None:
    everyone = pl.col("period_code") == "2018H1"
    panel = changed(quiet(prefix="VB"), everyone, pl.lit(None, pl.Float64), "L")
    gaps = found(panel, "gap")
    assert [(row["region_code"], row["period_code"]) for row in gaps] == [("VB00", "2018H1")]


def test_a_gap_does_not_make_the_series_break_on_its_return() -> None:
    panel = quiet().filter(~at("2017H1", "2017H2"))
    assert not [row for row in detect(panel).breaks.to_pylist() if row["region_code"] == REGION and row["alarm"]]


@pytest.mark.parametrize("factor", [10.0, 100.0, 0.1])
def test_one_figure_off_by_a_power_of_ten_is_a_scale_error_and_nothing_else(factor: float) -> None:
    panel = changed(quiet(), at("2018H1"), pl.col("value") * factor)
    own = [row for row in detect(panel).breaks.to_pylist() if row["region_code"] == REGION and row["alarm"]]
    assert [(row["kind"], row["period_code"], row["returned_in"]) for row in own] == [("scale", "2018H1", "2018H2")]
    assert own[0]["effect_log"] == pytest.approx(np.log(factor))


def test_a_lasting_change_of_scale_starts_where_the_new_scale_starts() -> None:
    later = (pl.col("region_code") == REGION) & (pl.col("period_code") >= "2019H1")
    own = [
        row
        for row in detect(changed(quiet(), later, pl.col("value") * 10)).breaks.to_pylist()
        if row["region_code"] == REGION and row["alarm"]
    ]
    assert [(row["kind"], row["period_code"], row["returned_in"]) for row in own] == [("scale", "2019H1", None)]


def test_a_wrong_scale_at_the_start_ends_where_the_figures_become_right() -> None:
    early = (pl.col("region_code") == REGION) & (pl.col("period_code") < "2016H2")
    scale = found(changed(quiet(), early, pl.col("value") * 10), "scale")
    assert [row["period_code"] for row in scale] == ["2016H2"]
    assert scale[0]["effect_log"] == pytest.approx(-np.log(10.0))


def test_rules_work_on_a_panel_too_small_for_statistics() -> None:
    panel = changed(quiet(points=5, municipalities=4), at("2016H1", region="GM0002"), pl.col("value") * 10)
    detection = detect(panel)
    assert [row["kind"] for row in detection.breaks.to_pylist()] == ["scale"]
    assert detection.detectable["detectable_effect_pct"].null_count == detection.detectable.num_rows


def test_a_change_of_scale_of_everyone_is_one_finding_for_the_country() -> None:
    panel = changed(quiet(points=16), pl.col("period_code") >= "2019H1", pl.col("value") * 10)
    scale = found(panel, "scale")
    assert [(row["region_code"], row["period_code"]) for row in scale] == [("NL01", "2019H1")]


def test_a_large_real_shift_is_not_taken_for_a_scale_error() -> None:
    later = (pl.col("region_code") == REGION) & (pl.col("period_code") >= "2018H1")
    own = [
        row
        for row in detect(changed(quiet(), later, pl.col("value") * 5)).breaks.to_pylist()
        if row["region_code"] == REGION and row["alarm"]
    ]
    assert [(row["kind"], row["period_code"]) for row in own] == [("level", "2018H1")]


def test_figures_that_become_rounded_are_a_change_of_rounding_without_alarm() -> None:
    fine = quiet(points=20).with_columns(value=pl.col("value") + pl.int_range(pl.len()) % 7)
    rounded = (pl.col("region_code") == REGION) & (pl.col("period_code") >= "2020H1")
    panel = fine.with_columns(value=pl.when(rounded).then((pl.col("value") / 50).round() * 50).otherwise("value"))
    changes = found(panel, "rounding")
    assert [(row["region_code"], row["period_code"]) for row in changes] == [(REGION, "2020H1")]
    assert not changes[0]["alarm"]


@pytest.mark.parametrize("first_rounded", [True, False])
def test_a_change_of_rounding_of_everyone_is_one_finding_for_the_country(first_rounded: bool) -> None:
    fine = quiet(points=16).with_columns(value=pl.col("value") + pl.int_range(pl.len()) % 7)
    part = (pl.col("period_code") < "2019H1") == first_rounded
    panel = fine.with_columns(value=pl.when(part).then((pl.col("value") / 5).round() * 5).otherwise("value"))
    assert [(row["region_code"], row["period_code"]) for row in found(panel, "rounding")] == [("NL01", "2019H1")]


def test_a_panel_of_one_rounding_has_no_change_of_it() -> None:
    simulated = simulate(9002, points=16, municipalities=340, indicators=3)
    assert not [row for row in detect(simulated.panel).breaks.to_pylist() if row["kind"] == "rounding"]


def test_a_region_that_hands_in_the_last_period_again_is_a_copy_in_every_indicator() -> None:
    simulated = simulate(9003, points=12, municipalities=120, indicators=6, broken=0.0)
    frame = pl.from_arrow(simulated.panel)
    assert isinstance(frame, pl.DataFrame)
    frame = frame.with_columns(pl.col("value", "numerator") + pl.int_range(pl.len()) % 5)
    before = pl.col("value").shift(1).over("indicator_id", "region_code", order_by="period_code")
    panel = changed(frame, at("2018H2"), before).with_columns(numerator=pl.lit(None, pl.Float64))
    usual = {(r["indicator_id"], r["region_code"]) for r in frame.filter(pl.col("value").is_not_null()).to_dicts()}
    copies = found(panel, "copy")
    assert {(row["region_code"], row["period_code"], row["returned_in"]) for row in copies} == {
        (REGION, "2018H2", "2019H1")
    }
    assert len(copies) >= 0.6 * len([key for key in usual if key[1] == REGION])
    assert not any(row["alarm"] for row in copies)


def test_a_figure_that_stands_still_for_years_is_a_copy_from_its_second_period() -> None:
    fine = quiet(points=20, municipalities=200).with_columns(value=pl.col("value") + pl.int_range(pl.len()) % 7)
    stuck = at(*[f"{year}H{half}" for year in (2018, 2019, 2020) for half in (1, 2)])
    copies = found(changed(fine, stuck, pl.lit(1234.0)), "copy")
    assert [(row["region_code"], row["period_code"], row["returned_in"]) for row in copies] == [
        (REGION, "2018H2", "2021H1")
    ]


def test_equal_figures_in_small_counts_are_no_copies() -> None:
    simulated = simulate(9004, points=16, municipalities=340, indicators=4)
    copies = [row for row in detect(simulated.panel).breaks.to_pylist() if row["kind"] == "copy"]
    assert len(copies) <= 2


def test_jumps_that_are_ordinary_in_a_panel_are_not_called_mistakes_of_scale() -> None:
    rng = np.random.default_rng(9005)
    panel = quiet(points=12, municipalities=200)
    jumps = np.exp(rng.choice([0.0, 1.0], panel.height, p=[0.8, 0.2]) * rng.normal(0.0, 2.0, panel.height))
    panel = panel.with_columns(value=pl.col("value") * pl.Series(jumps), unit=pl.lit("eur"))
    assert len(found(panel, "scale")) <= 4


def test_a_rate_ten_times_its_own_numerator_is_a_scale_error_however_small_the_count() -> None:
    panel = quiet(points=12).with_columns(
        numerator=pl.col("value") / 10, value=(1000 * pl.col("value") / 10 / pl.col("denominator")).round(2)
    )
    panel = changed(panel.with_columns(unit=pl.lit("per_1000")), at("2018H1"), pl.col("value") * 10)
    scale = found(panel, "scale")
    assert [(row["region_code"], row["period_code"]) for row in scale] == [(REGION, "2018H1")]
