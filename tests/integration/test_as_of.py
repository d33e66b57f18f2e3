"""What was known on an earlier day, made again from the vintages kept, beside the present publication."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import duckdb

from tests.integration.conftest import Workspace

Run = Callable[..., Any]

AMOUNT = (
    "select amount_eur from marts.budget where region_code = 'GM0373' and programme = 'jeugd' and basis = 'begroting'"
)

FIGURE = "indicator_id, region_code, period_code, value, obs_status"

REVISED = (
    "select value, value_now, vintage_date::varchar from marts.indicator_municipality_as_of(date '{}') "
    "where indicator_id = 'wmo_hulpmiddelen_en_diensten_per_1000' and region_code = 'GM0373' and period_code = '2016H2'"
)


def test_a_day_can_be_looked_back_at_without_touching_the_present(finished_workspace: Workspace, run_here: Run) -> None:
    workspace = finished_workspace  # of 2026-07-01
    delivery = workspace.sample / "municipal" / "finance_buch_2016.csv"
    survey = workspace.sample / "municipal" / "ceo_wmo_2015.xlsx"
    monitor = workspace.sample / "swing" / "gmsd_wmo_2016h2.csv"
    delivery.write_bytes(delivery.read_bytes().replace(b"3.261.000", b"3.262.000"))
    monitor.write_bytes(monitor.read_bytes().replace(b'"46"', b'"47"'))
    survey.unlink()
    run_here(workspace, today="2026-08-01")
    assert workspace.value(AMOUNT) == 3262000
    assert workspace.rows("select distinct withdrawn_on::varchar from marts.delivery where source_id = 'ceo_wmo'") == [
        ("2026-08-01",)
    ]
    assert workspace.value("select count(*) from marts.client_experience") == 0
    present = hashlib.sha256(workspace.published.resolve().read_bytes()).hexdigest()

    summary = run_here(workspace, as_of="2026-07-15")
    assert (summary.exit_code, summary.alerts_sent, summary.alerts_waiting) == (0, 0, 0)
    then = workspace.data / "as-of" / "2026-07-15" / "published" / "nulmeting.duckdb"
    with duckdb.connect(str(then), read_only=True) as connection:
        assert connection.execute(AMOUNT).fetchall() == [(3261000.0,)]
        assert connection.execute("select count(*) from marts.client_experience").fetchall() == [(20,)]
        assert connection.execute("select distinct withdrawn_on from marts.delivery").fetchall() == [(None,)]
        stood_there = connection.execute(
            f"select {FIGURE} from marts.indicator_municipality where geography = 'published' order by all"
        ).fetchall()
        every_region = connection.execute(
            f"select {FIGURE} from marts.observation_as_of(date '2026-07-15') order by all"
        ).fetchall()
    # the present file answers what was made again: one figure each, rates that were computed included
    known = "from marts.{}_as_of(date '{}') order by all"
    assert workspace.rows(f"select {FIGURE} " + known.format("indicator_municipality", "2026-07-15")) == stood_there
    assert workspace.rows(f"select {FIGURE} " + known.format("observation", "2026-07-15")) == every_region
    assert any(row[0].endswith("_per_1000") and row[1].startswith("VB") for row in stood_there)
    now = workspace.rows(f"select {FIGURE} " + known.format("observation", "2026-08-01"))
    assert len(every_region) - len(now) == 20
    # before the correction, on the day before it, and from then on; the correction has no date but its own
    assert workspace.rows(REVISED.format("2017-06-30")) == []
    assert workspace.rows(REVISED.format("2017-12-31")) == [(46, 47, "2017-07-01")]
    assert workspace.rows(REVISED.format("2026-07-31")) == [(46, 47, "2017-07-01")]
    assert workspace.rows(REVISED.format("2026-08-01")) == [(47, 47, "2026-08-01")]
    assert hashlib.sha256(workspace.published.resolve().read_bytes()).hexdigest() == present

    asked = workspace.command("sql", "--as-of", "2026-07-15", "--format", "csv", AMOUNT)
    assert asked.stdout.split() == ["amount_eur", "3261000"]
    never_made = workspace.command("sql", "--as-of", "2026-07-16", AMOUNT)
    assert never_made.returncode == 2
    assert "--as-of 2026-07-16" in never_made.stderr


def test_without_any_earlier_run_there_is_nothing_to_look_back_at(workspace: Workspace) -> None:
    outcome = workspace.command("run", "--as-of", "2026-07-15")
    assert outcome.returncode == 2
    assert "found no deliveries kept in" in outcome.stderr
