"""What a run prints when it has ended."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from pipelines.main_job import RunSummary
from pipelines.settings import load_settings
from pipelines.summary import render


@pytest.mark.parametrize(
    ("held", "line"),
    [
        (0, "Meldingen               1 verstuurd, 2 wachtend"),
        (1, "Meldingen               1 verstuurd, 2 wachtend; 1 verandering tot haar moment bewaard"),
        (3, "Meldingen               1 verstuurd, 2 wachtend; 3 veranderingen tot hun moment bewaard"),
    ],
)
def test_what_waits_for_its_moment_is_told_beside_what_could_not_be_sent(held: int, line: str) -> None:
    summary = RunSummary("run-1", 0, 1.0, alerts_sent=1, alerts_waiting=2, alerts_held=held)
    console = Console(file=io.StringIO(), record=True, width=120)
    console.print(render(summary, load_settings()))
    assert line in console.export_text().splitlines()
