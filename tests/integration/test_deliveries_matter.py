"""Figures enter through the deliveries only, and a delivery that is wrong is refused without stopping the rest."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.integration.conftest import Workspace

Run = Callable[..., Any]


def _edit(path: Path, old: bytes, new: bytes) -> None:
    content = path.read_bytes()
    assert content.count(old) == 1, f"{path.name}: {old!r} stands there {content.count(old)} times"
    path.write_bytes(content.replace(old, new))


def _sample(workspace: Workspace, name: str) -> Path:
    (found,) = workspace.sample.rglob(name)
    return found


def test_a_changed_digit_a_deleted_file_and_six_malformed_ones(finished_workspace: Workspace, run_here: Run) -> None:
    workspace = finished_workspace
    finance = _sample(workspace, "finance_buch_2016.csv")
    amount = "select amount_eur from marts.budget where region_code = 'GM0450' and programme = 'buig'"
    assert workspace.value(amount) == 1617000

    # One digit changes: the mart follows, and the earlier vintage stays in the account. Of another source the file
    # goes: its figures are withdrawn, and coverage says so.
    _edit(finance, b"1.617.000,00", b"1.618.000,00")
    _sample(workspace, "begroting_heemskerk_2020_2023.csv").unlink()
    assert run_here(workspace).exit_code == 0
    assert workspace.value(amount) == 1618000
    assert workspace.value("select count(*) from marts.delivery where source_id = 'finance_buch'") == 2
    assert workspace.rows("select 1 from marts.budget where source_id = 'budget_heemskerk'") == []
    assert workspace.rows("select distinct delivery from marts.coverage where source_id = 'budget_heemskerk'") == [
        ("missing",)
    ]

    # The file is refused: the earlier vintage keeps counting, the run completes, exit code 1.
    good = finance.read_bytes()
    finance.write_bytes(good.decode("windows-1252").encode("utf-8"))
    summary = run_here(workspace)
    assert summary.exit_code == 1
    assert workspace.value(amount) == 1618000
    assert workspace.rows("select distinct file, reason from marts.quarantine") == [
        ("finance_buch_2016.csv", "wrong_encoding")
    ]
    ((line, column, found, expected),) = workspace.rows(
        'select line, "column", found, expected from marts.quarantine limit 1'
    )
    assert line is not None and column is not None and found and expected
    messages = "".join(path.read_text(encoding="utf-8") for path in (workspace.data / "alerts").rglob("*.txt"))
    assert "finance_buch_2016.csv" in messages

    # Rows that are wrong go to quarantine, the others load.
    rows = good.split(b"\r\n") if b"\r\n" in good else good.split(b"\n")
    ending = b"\r\n" if b"\r\n" in good else b"\n"
    broken = [
        rows[0],
        rows[1].replace(rows[1].split(b";")[0], b"Bergen op Zoom aan Zee"),
        rows[2].rsplit(b";", 1)[0] + b";veel",
        rows[3],
        rows[3],
        *rows[4:],
    ]
    finance.write_bytes(ending.join(broken))
    summary = run_here(workspace)
    assert summary.exit_code == 1
    reasons = dict(workspace.rows("select reason, count(*) from marts.quarantine group by reason"))
    assert reasons == {"unknown_region": 1, "not_a_number": 1, "duplicate_key": 2}
    ((rows_in, loaded, no_data, quarantined),) = workspace.rows(
        "select rows_in, rows_loaded, rows_no_data, rows_quarantined from marts.delivery "
        "where source_id = 'finance_buch' and is_current"
    )
    assert quarantined == 4 and rows_in == loaded + no_data + quarantined and loaded > 30


def test_files_that_cannot_be_read_at_all_are_refused_as_a_whole(workspace: Workspace, run_here: Run) -> None:
    _sample(workspace, "finance_buch_2016.csv").write_bytes(b"")
    budget = _sample(workspace, "vb_begroting_2024_2026.csv")
    budget.write_text("Gemeente;Jaar\nVB0001;2024\n", encoding="utf-8")
    summary = run_here(workspace)
    assert summary.exit_code == 1
    assert {(row["file"], row["reason"]) for row in summary.quarantined} == {
        ("finance_buch_2016.csv", "empty_file"),
        ("vb_begroting_2024_2026.csv", "missing_column"),
    }
    assert workspace.rows("select 1 from marts.budget where source_id in ('finance_buch', 'vb_begroting')") == []
    assert workspace.value("select count(*) from marts.budget where source_id = 'budget_heemskerk'") > 40


def test_a_source_that_cannot_be_fetched_leaves_the_publication_as_it_was(
    finished_workspace: Workspace, run_here: Run
) -> None:
    workspace = finished_workspace
    before = (workspace.data / "published" / "manifest.json").read_bytes()
    (page,) = workspace.sample.rglob("VB01NED/Observations.json")
    page.write_bytes(page.read_bytes()[:1000])
    summary = run_here(workspace)
    assert summary.exit_code == 3
    assert "VB01NED" in summary.error
    assert (workspace.data / "published" / "manifest.json").read_bytes() == before
