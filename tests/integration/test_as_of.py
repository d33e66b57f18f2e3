"""What was known on an earlier day, made again from the vintages kept, beside the present publication."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import duckdb
import pytest

from tests.integration.conftest import Workspace

pytestmark = pytest.mark.xdist_group("main_job")

Run = Callable[..., Any]

AMOUNT = (
    "select amount_eur from marts.budget where region_code = 'GM0373' and programme = 'jeugd' and basis = 'begroting'"
)

FIGURE = "indicator_id, region_code, period_code, source_id, value, vintage_id"


def test_a_day_can_be_looked_back_at_without_touching_the_present(workspace: Workspace, run_here: Run) -> None:
    delivery = workspace.sample / "municipal" / "finance_buch_2016.csv"
    survey = workspace.sample / "municipal" / "ceo_wmo_2015.xlsx"
    run_here(workspace, today="2026-07-01")
    delivery.write_bytes(delivery.read_bytes().replace(b"3.261.000", b"3.262.000"))
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
            f"select {FIGURE} from marts.observation where is_latest order by all"
        ).fetchall()
    # the present file answers for its figures what was made again
    assert (
        workspace.rows(f"select {FIGURE} from marts.observation_as_of(date '2026-07-15') order by all") == stood_there
    )
    assert len(stood_there) - workspace.value("select count(*) from marts.observation where is_latest") == 20
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
