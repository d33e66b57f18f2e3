"""Breaks that another indicator of the same region mirrors: which opposite changes count, and which do not.

What it detects: figures booked elsewhere that are not recognised, and hints that rest on chance, on what all regions do
or on amounts that do not add up. The likely cause is a bound in `pipelines.breaks.mirrors`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from pipelines.breaks import PanelError, detect
from pipelines.breaks.mirrors import BY_CHANCE, MIRROR_SCHEMA, family_of, mirrors, wholes_of
from pipelines.breaks.panel import read_panel
from pipelines.cli import app

Figures = dict[str, npt.NDArray[np.float64]]
REGIONS = 120
PERIODS = [str(year) for year in range(2011, 2021)]
REGION, AT = "VB0061", 5
ROW = 60
NAMES = ("huis", "straat", "tuin", "vijver", "hek", "bank")


def accounts(seed: int = 9700, noise: float = 0.05) -> Figures:
    """Amounts of six fictional items that grow alike and vary a little, none of them broken."""
    rng = np.random.default_rng(seed)
    people = np.exp(rng.normal(10, 0.7, REGIONS))[:, None]
    shape = (REGIONS, len(PERIODS))
    growth = 1.03 ** np.arange(len(PERIODS))
    return {
        name: np.round(people * price * growth * np.exp(rng.normal(0, 0.2, (REGIONS, 1)) + rng.normal(0, noise, shape)))
        for name, price in zip(NAMES, (300, 200, 100, 60, 40, 20), strict=True)
    }


def panel_of(figures: Figures, unit: str = "eur", **columns: Any) -> pa.Table:
    """The long table of figures (regions x periods each)."""
    count = REGIONS * len(PERIODS)
    rows: dict[str, Any] = {
        "indicator_id": np.repeat(list(figures), count),
        "region_code": np.tile(
            np.repeat([f"VB{number + 1:04d}" for number in range(REGIONS)], len(PERIODS)), len(figures)
        ),
        "period_code": np.tile(PERIODS, REGIONS * len(figures)),
        "value": np.concatenate([figure.ravel() for figure in figures.values()]),
        "numerator": pa.nulls(count * len(figures), pa.float64()),
        "denominator": pa.nulls(count * len(figures), pa.float64()),
        "unit": [unit] * (count * len(figures)),
        "obs_status": ["A"] * (count * len(figures)),
    }
    return pa.table({**rows, **columns})


def a_break(indicator: str, effect: float, kind: str = "level", region: str = REGION, at: int = AT) -> dict[str, Any]:
    return {
        "indicator_id": indicator,
        "region_code": region,
        "period_code": PERIODS[at],
        "kind": kind,
        "effect_log": effect,
    }


def found(panel: pa.Table, *breaks: dict[str, Any]) -> list[dict[str, Any]]:
    grids = list(read_panel(panel))
    wrong = [np.zeros(grid.value.shape, dtype=bool) for grid in grids]
    return mirrors(grids, wrong, pa.Table.from_pylist(list(breaks)), wholes_of(panel)).to_pylist()


def rebooked(figures: Figures, source: str, to: dict[str, float], kind: str = "level") -> Figures:
    """Part of an item of one region booked elsewhere, from AT on or in AT alone."""
    when = slice(AT, AT + 1) if kind == "one_off" else slice(AT, None)
    amount = figures[source][ROW, when].copy()
    for name, part in to.items():
        figures[name][ROW, when] += part * amount
    figures[source][ROW, when] -= sum(to.values()) * amount
    return figures


@pytest.mark.parametrize("kind", ["level", "one_off"])
def test_what_one_item_lost_another_gained(kind: str) -> None:
    figures = accounts()
    lost = 0.8 * figures["tuin"][ROW, AT]
    told = found(panel_of(rebooked(figures, "tuin", {"vijver": 0.8}, kind)), a_break("tuin", -1.6, kind))
    assert [(row["indicator_id"], row["region_code"], row["period_code"], row["kind"]) for row in told] == [
        ("tuin", REGION, PERIODS[AT], kind)
    ]
    assert told[0]["mirror_indicator_id"] == "vijver"
    assert told[0]["share"] > 0.85
    assert told[0]["change"] == pytest.approx(-lost, rel=0.15)
    assert told[0]["mirror_change"] == pytest.approx(lost, rel=0.15)


def test_the_gain_is_mirrored_by_the_loss_as_well() -> None:
    told = found(panel_of(rebooked(accounts(), "tuin", {"vijver": 0.8})), a_break("vijver", 0.8), a_break("tuin", -1.6))
    assert [(row["indicator_id"], row["mirror_indicator_id"]) for row in told] == [
        ("vijver", "tuin"),
        ("tuin", "vijver"),
    ]


def test_two_items_share_what_one_lost() -> None:
    told = found(panel_of(rebooked(accounts(), "straat", {"vijver": 0.5, "bank": 0.4})), a_break("straat", -2.3))
    assert {row["mirror_indicator_id"] for row in told} == {"vijver", "bank"}
    assert told[0]["share"] > told[1]["share"]
    assert 0.75 < sum(row["share"] for row in told) <= 1


def test_a_loss_that_nothing_gained_has_no_mirror() -> None:
    figures = accounts()
    figures["tuin"][ROW, AT:] *= 0.2
    assert found(panel_of(figures), a_break("tuin", -1.6)) == []


def test_a_gain_of_another_size_or_of_another_year_is_no_mirror() -> None:
    for part, when in ((0.3, AT), (2.5, AT), (0.8, AT - 3)):
        figures = accounts()
        lost = figures["tuin"][ROW, AT]
        figures["tuin"][ROW, AT:] *= 0.2
        figures["vijver"][ROW, when:] += part * lost
        assert found(panel_of(figures), a_break("tuin", -1.6)) == [], (part, when)


def test_a_total_is_no_mirror_of_its_part_and_hides_none() -> None:
    figures = accounts()
    figures["tuin"][ROW, AT:] *= 0.2
    figures["samen"] = np.sum(list(figures.values()), axis=0)
    assert found(panel_of(figures), a_break("tuin", -1.6), a_break("samen", -0.2)) == []


def test_what_all_regions_book_elsewhere_is_no_mirror_of_the_loss_of_one() -> None:
    """A recoding moves half of an item in every region; one of them loses the rest for a reason of its own."""
    figures = accounts()
    moved = 0.5 * figures["tuin"][:, AT:]
    figures["tuin"][:, AT:] -= moved
    figures["vijver"][:, AT:] += moved
    figures["tuin"][ROW, AT:] *= 0.2
    assert found(panel_of(figures), a_break("tuin", -1.6)) == []


def test_growth_of_all_regions_does_not_count_in_the_size_of_a_mirror() -> None:
    figures = accounts()
    figures["vijver"][:, AT:] *= 2
    lost = 0.8 * figures["tuin"][ROW, AT]
    (told,) = found(panel_of(rebooked(figures, "tuin", {"vijver": 0.8})), a_break("tuin", -1.6))
    assert told["mirror_change"] == pytest.approx(lost, rel=0.15)


def test_what_a_series_does_from_year_to_year_is_no_mirror() -> None:
    """Elsewhere such a change is rare; here it comes and goes."""
    figures = accounts()
    lost = 0.8 * figures["tuin"][ROW, AT]
    figures["vijver"][ROW] += lost * (np.arange(len(PERIODS)) % 2 == AT % 2)
    figures["tuin"][ROW, AT] -= lost
    assert found(panel_of(figures), a_break("tuin", -1.6, "one_off")) == []


def test_what_regions_often_do_is_no_mirror() -> None:
    """Each region moves an item up or down once: that one did so in the year of the break says nothing."""
    figures = accounts()
    rng = np.random.default_rng(9740)
    steps = rng.choice([0.4, 1.9], REGIONS)[:, None] ** (
        np.arange(len(PERIODS)) >= rng.integers(1, len(PERIODS), REGIONS)[:, None]
    )
    figures["huis"] *= steps
    figures["huis"][ROW] = accounts()["huis"][ROW]
    figures["straat"][ROW] *= 2
    told = found(panel_of(rebooked(figures, "straat", {"huis": 0.6})), a_break("straat", -0.9))
    assert told == []


def test_chance_claims_fewer_mirrors_than_is_said() -> None:
    """Four in ten series broken, none because of another: few of the breaks find a mirror all the same."""
    figures = {
        f"{name}_{part}": value for part in range(3) for name, value in accounts(9710 + part, noise=0.15).items()
    }
    rng = np.random.default_rng(9720)
    breaks = []
    for name, figure in figures.items():
        rows = np.flatnonzero(rng.random(REGIONS) < 0.4)
        at = rng.integers(2, len(PERIODS) - 1, rows.size)
        effect = rng.choice([-1.0, 1.0], rows.size) * rng.uniform(0.4, 1.2, rows.size)
        after = np.arange(len(PERIODS)) >= at[:, None]
        figure[rows] *= np.exp(after * effect[:, None])
        breaks += [
            a_break(name, size, region=f"VB{row + 1:04d}", at=when)
            for row, when, size in zip(rows, at, effect, strict=True)
        ]
    told = found(panel_of(figures), *breaks)
    claimed = {(row["indicator_id"], row["region_code"]) for row in told}
    assert len(breaks) > 700
    assert len(claimed) <= BY_CHANCE * len(breaks)


def test_the_figures_of_another_region_are_brought_to_the_size_of_the_first() -> None:
    """How often chance claims a mirror is measured beside other regions, large and small."""
    figures = rebooked(accounts(), "tuin", {"vijver": 0.8})
    scaled = {name: figure.copy() for name, figure in figures.items()}
    for figure in scaled.values():
        figure[0] = figure[ROW] * 10
    names, regions = np.array(NAMES), np.array([f"VB{number + 1:04d}" for number in range(REGIONS)])
    family = family_of(names, regions, np.array(PERIODS), np.stack(list(scaled.values())))
    breaks = [np.array([text]) for text in ("tuin", REGION, PERIODS[AT], "level")]
    at = family.place(breaks, np.array([-1.6]))
    own, other = family.claims(at, at.region), family.claims(at, np.array([0]))
    assert own.indicator.tolist() == other.indicator.tolist() == [NAMES.index("vijver")]
    assert other.mirror_change == pytest.approx(own.mirror_change, rel=1e-6)


@pytest.mark.parametrize("unit", ["per_1000", "pct", "eur_per_inhabitant", "mean"])
def test_figures_that_do_not_add_up_have_no_mirrors(unit: str) -> None:
    figures = rebooked(accounts(), "tuin", {"vijver": 0.8})
    assert found(panel_of(figures, unit), a_break("tuin", -1.6)) == []
    assert found(panel_of(figures, "count"), a_break("tuin", -1.6))


def test_parts_of_another_whole_are_no_mirrors() -> None:
    figures = rebooked(accounts(), "tuin", {"vijver": 0.8})
    count = REGIONS * len(PERIODS)

    def told(*wholes: str | None) -> list[dict[str, Any]]:
        column = pa.array(np.repeat(np.array(wholes, dtype=object), count).tolist(), pa.string())
        return found(panel_of(figures, whole=column), a_break("tuin", -1.6))

    assert told(*["rekening"] * 6)
    assert told("rekening", "rekening", "rekening", "begroting", "begroting", "begroting") == []
    assert told("rekening", "rekening", "rekening", None, "rekening", "rekening") == []


def test_an_indicator_of_two_wholes_is_refused() -> None:
    whole = pa.array(["rekening", "begroting"] * (REGIONS * len(PERIODS) * len(NAMES) // 2))
    with pytest.raises(PanelError, match="found wholes begroting and rekening for bank, expected one"):
        wholes_of(panel_of(accounts(), whole=whole))


def test_the_year_after_an_empty_form_is_held_against_the_years_that_have_figures() -> None:
    """Against the zeros, everything but the item that broke would have risen."""
    figures = accounts()
    for figure in figures.values():
        figure[ROW, AT] = 0
    figures["tuin"][ROW, AT + 1] *= 0.1
    assert found(panel_of(figures), a_break("tuin", -2.3, "one_off", at=AT + 1)) == []


def test_a_figure_of_the_wrong_scale_is_no_mirror() -> None:
    figures = accounts()
    figures["hek"][ROW, AT] *= 10
    figures["straat"][ROW, AT] -= 9 * figures["hek"][ROW, AT] / 10
    panel = panel_of(figures)
    grids = list(read_panel(panel))
    wrong = [(grid.value == figures["hek"][ROW, AT]) & (grid.indicator_id == "hek") for grid in grids]
    breaks = pa.Table.from_pylist([a_break("straat", -0.9, "one_off")])
    assert mirrors(grids, [cells & False for cells in wrong], breaks).num_rows == 1
    assert mirrors(grids, wrong, breaks).num_rows == 0


def test_the_order_of_rows_changes_nothing() -> None:
    panel = panel_of(rebooked(accounts(), "straat", {"vijver": 0.5, "bank": 0.4}))
    mixed = panel.take(pa.array(np.random.default_rng(9730).permutation(panel.num_rows)))
    breaks = (a_break("straat", -2.3), a_break("vijver", 1.0))
    assert found(panel, *breaks) == found(mixed, *breaks) != []


def test_nothing_gives_an_empty_table_of_the_same_columns() -> None:
    detection = detect(panel_of(accounts()).slice(0, 0))
    assert detection.mirrors.schema == MIRROR_SCHEMA
    assert detection.mirrors.num_rows == 0


def test_a_detection_holds_the_mirrors_of_its_breaks_and_of_no_others(tmp_path: Path) -> None:
    panel = panel_of(rebooked(accounts(), "tuin", {"vijver": 0.8}))
    detection = detect(panel)
    keys = ("indicator_id", "region_code", "period_code", "kind")
    breaks = {tuple(row[key] for key in keys): row for row in detection.breaks.to_pylist()}
    told = {tuple(row[key] for key in keys): row["mirror_indicator_id"] for row in detection.mirrors.to_pylist()}
    assert set(told) <= set(breaks)
    lost = ("tuin", REGION, PERIODS[AT], "level")
    assert told[lost] == "vijver"
    assert breaks[lost]["alarm"]
    assert breaks[lost]["cause"] == "unexplained"
    files = {name: tmp_path / f"{name}.parquet" for name in ("panel", "out", "mirrors")}
    pq.write_table(panel, files["panel"])
    arguments = [text for name, path in files.items() for text in (f"--{name}", str(path))]
    answer = CliRunner().invoke(app, ["breaks", "detect", *arguments])
    assert answer.exit_code == 0, answer.output
    assert pq.read_table(files["mirrors"]).equals(detection.mirrors)
