"""Somebody who has everything that is published and knows the rule learns no hidden count to within k."""

from __future__ import annotations

import re

import duckdb
import pytest

from pipelines.privacy.suppression import shown_counts
from tests.attacker import LAWS, Panel, published_rates, random_panel, widths
from tests.integration.conftest import Workspace
from tests.ways import MEASURES, Count, ways, widths_by_ways

PANELS = 200
AT_ONCE = 20
ALMOST = 1e-5


def _shown(panel: Panel) -> dict[str, int | None]:
    table = shown_counts(panel.cells, panel.relations)
    return dict(zip(table["cell_id"].to_pylist(), table["shown"].to_pylist(), strict=True))


@pytest.mark.parametrize("first", range(0, PANELS, AT_ONCE))
def test_every_hidden_count_keeps_room_of_k(first: int) -> None:
    hidden = 0
    for seed in range(first, first + AT_ONCE):
        panel = random_panel(seed)
        shown = _shown(panel)
        found = widths(panel, shown, published_rates(panel, shown), enough=panel.k)
        assert {name: width for name, width in found.items() if width < panel.k - ALMOST} == {}, seed
        hidden += len(found)
    assert hidden > 500


def test_hidden_counts_stand_in_rows_columns_totals_and_periods_on_both_borders_and_beside_rates() -> None:
    hidden, rated = set(), set()
    for seed in range(5):
        panel = random_panel(seed)
        shown = _shown(panel)
        hidden |= {name for name, count in shown.items() if count is None}
        rated |= set(published_rates(panel, shown))
        totals = [total for total, _ in panel.sums]
        # a table: a whole that is the sum of its rows and of its columns
        assert {totals.count(f"VB00 {law} 2020H1") for law in LAWS} == {2}
        assert totals.count("VB0 eerste 2020H1") == 2
    for pattern in (
        r"VB0/\d wmo0 2020H1",
        r"VB0/\d eerste 2020H1",
        r"VB\d jeugd\d 2020H1",
        r"VB\d jeugd 2020H[12]",
        r"VB\d jeugd\d 2020H[12] 2026",
        r"VB90 \w+\d? 2020H[12] 2026",
        r"VB00 \w+\d? 2020H[12]",
        r"VB00 \w+\d? 2020H[12] 2026",
        r"VB\d (beide|samen) 2020H1",
        r"VB\d (in|uit) 2020H[12]",
        r"VB\d (in|uit) 2020",
        r"VB\d stand 2020H1( begin)?",
    ):
        assert any(re.fullmatch(pattern, name) for name in hidden), pattern
    for region in ("VB0/0", "VB0", "VB90", "VB00"):
        assert any(name.startswith(f"{region} ") for name in rated), region


def test_the_attacker_is_worth_something() -> None:
    """With only the small counts hidden he pins down a good part of them."""
    learned = attacked = 0
    for seed in range(10):
        panel = random_panel(seed)
        small = {name for name, persons in panel.persons.items() if 0 < persons < panel.k}
        shown = {
            name: None if name in small else (persons + panel.round_to // 2) // panel.round_to * panel.round_to
            for name, persons in panel.persons.items()
            if name not in panel.unpublished
        }
        found = widths(panel, shown, published_rates(panel, shown))
        learned += sum(width < panel.k - ALMOST for width in found.values())
        attacked += len(found)
    assert learned > attacked / 4


def test_a_published_rate_tells_no_more_than_the_count_beside_it() -> None:
    panel = random_panel(3)
    shown = _shown(panel)
    assert widths(panel, shown, published_rates(panel, shown)) == pytest.approx(widths(panel, shown, {}), abs=1e-4)


def test_the_counts_of_the_sample_keep_their_room(sample_run: Workspace) -> None:
    """The counts and sums as the models list them."""
    with duckdb.connect(str(sample_run.data / "warehouse.duckdb"), read_only=True) as connection:
        cells = connection.execute("select cell_id, persons, k, is_published from core.protected_cell").fetchall()
        sums = connection.execute(
            "select total_cell_id, map(list(part_cell_id), list(sign)) from core.protected_sum "
            "group by sum_id, total_cell_id order by sum_id"
        ).fetchall()
        shown = dict(connection.execute("select cell_id, shown from privacy.shown order by cell_id").fetchall())
    assert {k for _, _, k, is_published in cells if is_published} == {10}
    panel = Panel(sums=sums)
    for name, persons, _, is_published in cells:
        panel.put(name, persons, published=is_published)
    assert set(shown) == set(panel.persons) - panel.unpublished
    hidden = [name for name, count in shown.items() if count is None]
    assert {name for name in shown if 0 < panel.persons[name] < 10} <= set(hidden)
    assert len(hidden) > 100
    found = widths(panel, shown, {}, enough=10)
    assert set(found) == set(hidden)
    assert {name: width for name, width in found.items() if width < 10 - ALMOST} == {}


def test_the_ways_one_person_can_go_give_no_hidden_count_of_the_sample_away(sample_run: Workspace) -> None:
    with duckdb.connect(str(sample_run.data / "warehouse.duckdb"), read_only=True) as connection:
        rows = connection.execute(
            "select law, region_code, provision, period_code, measure, shown from core.drill_down_cell as cell "
            "join privacy.shown as shown on cell.cell_id = shown.cell_id where list_contains(?, measure)",
            [list(MEASURES)],
        ).fetchall()
    of_provision: dict[tuple[str, ...], dict[Count, int | None]] = {}
    for law, region, provision, period, measure, count in rows:
        of_provision.setdefault((law, region, provision), {})[period, measure] = count
    counted = ways(sorted({period for *_, period, _, _ in rows if len(period) > 4}))
    found = {
        (*name, *count): width
        for name, shown in of_provision.items()
        for count, width in widths_by_ways(counted, shown, k=10, round_to=5).items()
    }
    assert len(found) > 50
    assert {name: width for name, width in found.items() if width < 10 - ALMOST} == {}
