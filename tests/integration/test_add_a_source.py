"""The how-to is followed to the letter: one YAML file, one delivery, and the figures are in the marts."""

from __future__ import annotations

import re

from pipelines.settings import PROJECT_ROOT
from tests.integration.conftest import Workspace

DELIVERY = (
    "Gemeente;Jaar;Soort;Aantal\r\nHeiloo;2017;Buurthuis;12\r\nHeiloo;2017;Speeltuin;3\r\n"
    "Bergen (NH.);2017;Buurthuis;9\r\nUitgeest;2017;Buurthuis;veel\r\n"
)


def _from_the_how_to() -> tuple[str, str]:
    """The name of the file that the how-to adds, and what it puts in."""
    text = (PROJECT_ROOT / "docs" / "add-a-source.md").read_text(encoding="utf-8")
    found = re.search(r"^`(sources/[^`]+\.yml)`:\n\n```yaml\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert found
    return found[1], found[2]


def test_the_how_to_adds_a_source_in_under_thirty_lines() -> None:
    _, declaration = _from_the_how_to()
    assert len(declaration.splitlines()) < 30


def test_a_new_source_is_one_yaml_file(finished_workspace: Workspace) -> None:
    workspace = finished_workspace
    name, declaration = _from_the_how_to()
    (workspace.root / name).write_text(declaration, encoding="utf-8")
    delivery = workspace.sample / "municipal" / "ontmoetingsplekken_2017.csv"
    delivery.write_text(DELIVERY, encoding="utf-8")

    looked_at = workspace.command("check", str(delivery))
    assert looked_at.returncode == 1
    assert 'ontmoetingsplekken_2017.csv:5:4 (Aantal): found "veel", expected a whole number' in looked_at.stdout
    assert "als ontmoetingsplekken:" in looked_at.stdout

    # in a process of its own: which assets there are is settled when the definitions are loaded
    outcome = workspace.command("run")
    assert outcome.returncode == 1, outcome.stdout + outcome.stderr
    assert workspace.rows(
        "select region_code, period_code, value from marts.observation where indicator_id = 'buurthuizen' order by all"
    ) == [("GM0373", "2017", 9.0), ("GM0399", "2017", 12.0)]
    assert workspace.value("select label_nl from marts.indicator where indicator_id = 'buurthuizen'") == "Buurthuizen"
    assert workspace.rows(
        "select region_code, delivery from marts.coverage "
        "where source_id = 'ontmoetingsplekken' and period_code = '2017' order by region_code"
    ) == [("GM0373", "delivered"), ("GM0383", "missing"), ("GM0399", "delivered"), ("GM0450", "missing")]
    # what is declared to be no indicator is no finding either
    assert "Een geleverd onderwerp heeft geen plaats" not in outcome.stdout
