"""Panels that are odd, and tables that are wrong: an answer without nonsense, or one clear message."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest

from pipelines.breaks import PanelError, detect
from pipelines.breaks.events import COLUMNS
from pipelines.breaks.result import Detection

Values = npt.NDArray[np.float64]


def _panel(
    change: Callable[[Values], Values] = lambda values: values,
    *,
    regions: int = 40,
    periods: list[str] | None = None,
    unit: str = "count",
    base: float = 200.0,
) -> pa.Table:
    codes = periods or [str(2009 + year) for year in range(12)]
    rng = np.random.default_rng(7)
    values = rng.poisson(base * np.exp(rng.normal(0, 0.7, (regions, 1))), (regions, len(codes))).astype(np.float64)
    flat = change(values).ravel()
    empty = np.isnan(flat)
    return pa.table(
        {
            "indicator_id": ["x"] * flat.size,
            "region_code": np.repeat([f"GM{9000 + number}" for number in range(regions)], len(codes)),
            "period_code": codes * regions,
            "value": pa.array(flat, mask=empty),
            "numerator": pa.nulls(flat.size, pa.float64()),
            "denominator": pa.nulls(flat.size, pa.float64()),
            "unit": [unit] * flat.size,
            "obs_status": np.where(empty, "L", "A"),
        }
    )


def _with(panel: pa.Table, name: str, column: object) -> pa.Table:
    return panel.set_column(panel.column_names.index(name), name, column)


def _register(**given: str) -> pa.Table:
    usual = dict.fromkeys(COLUMNS, "") | {
        "event_id": "e1",
        "nature": "measurement",
        "effective_date": "2015-01-01",
        "region_codes": "*",
        "indicator_ids": "*",
    }
    return pa.table({name: [value] for name, value in (usual | given).items()})


STILL = {
    "one region": _panel(regions=1),
    "two regions": _panel(regions=2),
    "one period": _panel(periods=["2020"]),
    "three periods": _panel(periods=["2018", "2019", "2020"]),
    "all zero": _panel(lambda values: values * 0),
    "nothing delivered": _panel(lambda values: values * np.nan),
    "never moves": _panel(lambda values: values[:, :1] * np.ones_like(values)),
    "all the same": _panel(lambda values: values * 0 + 50),
    "very large": _panel(base=1e12),
    "below zero": _panel(lambda values: -values),
    "around zero": _panel(lambda values: values - values.mean(axis=1, keepdims=True), unit="mean"),
    "nearly everybody": _panel(lambda values: np.round(97 + (values % 7) / 10, 1), unit="pct"),
    "one figure": _panel(lambda values: np.where(np.arange(values.size).reshape(values.shape) == 7, values, np.nan)),
    "months": _panel(periods=[f"2020M{month:02d}" for month in range(1, 13)]),
    "years, half-years and quarters": _panel(periods=["2018", "2018H1", "2018Q1", "2019", "2019H1", "2019Q1", "2020"]),
    "no rows": _panel().slice(0, 0),
}


@pytest.mark.parametrize("panel", STILL.values(), ids=STILL.keys())
def test_where_nothing_changed_nothing_alarms_and_no_number_is_endless(panel: pa.Table) -> None:
    found = detect(panel, _register())
    assert sum(found.breaks["alarm"].to_pylist()) <= 2
    _has_only_numbers(found)


def test_figures_that_are_all_or_nothing_are_tested_without_nonsense() -> None:
    """Each step from all to nothing is a change: how many are told is not held here."""
    found = detect(_panel(lambda values: np.where(values > np.median(values), 100.0, 0.0), unit="pct"), _register())
    assert found.breaks.num_rows
    _has_only_numbers(found)


def _has_only_numbers(found: Detection) -> None:
    for table in (found.breaks, found.detectable, found.attribution, found.events):
        for column in table.itercolumns():
            if pa.types.is_floating(column.type):
                assert np.isfinite(column.drop_null().to_numpy()).all()
    steps = found.breaks.filter(found.breaks["alarm"])["effect_log"].to_pylist()
    assert all(abs(step) > 1e-6 for step in steps)


def test_one_step_among_series_that_never_move_is_found() -> None:
    def stepped(values: Values) -> Values:
        still = values[:, :1] * np.ones_like(values)
        still[5, 6:] = np.round(still[5, 6:] * 1.3)
        return still

    breaks = detect(_panel(stepped)).breaks
    alarms = breaks.filter(breaks["alarm"]).to_pylist()
    assert [(one["region_code"], one["period_code"], one["kind"]) for one in alarms] == [("GM9005", "2015", "level")]


@pytest.mark.parametrize(
    ("panel", "message"),
    [
        (
            _with(_panel(), "value", pa.array(["12"] * 9 + ["abc"] + ["7,5"] * 470)),
            "panel: value: found 'abc', expected numbers",
        ),
        (
            _panel(lambda values: np.where(np.arange(values.size).reshape(values.shape) == 13, np.inf, values)),
            "panel: value: found inf for x, GM9001, 2010, expected a number or null",
        ),
        (
            _with(_panel(), "unit", pa.array(["stuks"] * 480)),
            "panel: found unit 'stuks', expected one of count, per_1000, per_10000, pct, eur, eur_per_inhabitant, mean",
        ),
        (
            _with(_panel(), "period_code", pa.array(["2016JJ00"] * 480)),
            "panel: found period '2016JJ00', expected like 2016, 2016H2, 2016Q3 or 2016M07",
        ),
    ],
    ids=["text", "endless", "unit", "period"],
)
def test_a_panel_that_cannot_be_used_is_refused_in_one_sentence(panel: pa.Table, message: str) -> None:
    with pytest.raises(PanelError) as refused:
        detect(panel)
    assert str(refused.value) == message


def test_text_that_holds_numbers_is_read_as_numbers() -> None:
    panel = _panel()
    as_text = _with(panel, "value", pa.array([str(value) for value in panel["value"].to_pylist()]))
    assert detect(as_text).breaks.equals(detect(panel).breaks)


@pytest.mark.parametrize("name", ["", "a|b"])
def test_an_event_without_a_usable_id_is_refused(name: str) -> None:
    with pytest.raises(PanelError, match=r"expected one without \|"):
        detect(_panel(), _register(event_id=name))


def test_what_could_not_be_used_is_told() -> None:
    groups = pa.table({"group_code": ["SV-A", "SV-A", "SV-B"], "region_code": ["GM9001", "GM9002", "GM0001"]})
    nothing = detect(_panel(), _register(), groups.slice(0, 2)).left_out
    assert nothing == ()
    told = detect(
        _panel(lambda values: np.where(values < 60, -values, values)),
        _register(nature="gemeten", region_codes="GM0001|GM0002", indicator_ids="y"),
        groups,
    ).left_out
    assert len(told) == 5
    assert told[0].startswith("panel: found ") and "figures below zero in x (GM90" in told[0]
    assert told[1] == (
        "events: found 1 of a nature that is none (e1 (gemeten)), expected one of measurement, real_world, mixed: "
        "what they caused is not linked"
    )
    assert told[2] == (
        "events: found 1 that touch no region of the panel (e1), expected region_codes of the panel, separated by |, "
        "or *"
    )
    assert "no indicator of the panel (e1)" in told[3]
    assert (
        told[4] == "groups: found 1 with fewer than two members in the panel (SV-B), expected region_codes of the panel"
    )
