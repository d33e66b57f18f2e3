"""The bundled registration of wijkteams: made again byte for byte, adding up, and small enough to hide."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from pipelines.settings import PROJECT_ROOT
from pipelines.voorbeeldland import country, wijkteam
from pipelines.voorbeeldland.generator import DEFAULT_SEED

BUNDLED = PROJECT_ROOT / "sources" / "sample" / "voorbeeldland"
NAME = "vb_wijkteam_2016_2024.csv"


@pytest.fixture(scope="module")
def counts() -> dict[tuple[str, str], list[int]]:
    """Per area and year the counts, the total last."""
    with (BUNDLED / "wijkteam" / NAME).open(encoding="utf-8", newline="") as file:
        header, *rows, footer = csv.reader(file, delimiter=";")
    assert header == ["Gebied", "Jaar", "Advies", "Begeleiding", "Procesregie", "Totaal"]
    assert footer[0].startswith("Bron: Fictief voorbeeld")
    return {(area, year): [int(count) for count in cells] for area, year, *cells in rows}


def test_the_same_seed_gives_the_bundled_bytes_and_another_seed_others(tmp_path: Path) -> None:
    bundled = (BUNDLED / "wijkteam" / NAME).read_bytes()
    for seed, is_bundled in ((DEFAULT_SEED, True), (DEFAULT_SEED + 1, False)):
        wijkteam.write(tmp_path / str(seed), country.found(seed), seed)
        assert ((tmp_path / str(seed) / "wijkteam" / NAME).read_bytes() == bundled) == is_bundled


def test_kinds_add_up_to_the_total_and_buurten_to_wijken_and_wijken_to_municipalities(
    counts: dict[tuple[str, str], list[int]],
) -> None:
    wholes: dict[tuple[str, str], list[list[int]]] = {}
    for (area, year), (*kinds, total) in counts.items():
        assert sum(kinds) == total
        if area.startswith(("VBWK", "VBBU")):
            whole = area[:-2].replace("BU", "WK") if "BU" in area else f"VB{area[4:8]}"
            wholes.setdefault((whole, year), []).append([*kinds, total])
    assert len(wholes) == 3 * (3 + 9)
    for of_year, parts in wholes.items():
        assert [sum(column) for column in zip(*parts, strict=True)] == counts[of_year]


def test_areas_are_those_of_the_edition_of_their_year(counts: dict[tuple[str, str], list[int]]) -> None:
    for year, table in (("2022", "VB22NED"), ("2023", "VB23NED"), ("2024", "VB24NED")):
        listed = json.loads((BUNDLED / "cbs_v4" / table / "WijkenEnBuurtenCodes.json").read_bytes())["value"]
        areas = {code["Identifier"].strip() for code in listed if code["Identifier"].startswith(("VBWK", "VBBU"))}
        assert {area for area, of in counts if of == year and len(area) > 6} == areas


def test_a_part_of_what_merged_has_so_few_that_they_are_hidden(counts: dict[tuple[str, str], list[int]]) -> None:
    assert [counts["VB0008", year][2] for year in ("2016", "2017", "2018")] == [7, 3, 7]
    assert min(counts["VB0007", year][2] for year in ("2016", "2017", "2018")) >= 10
    assert ("VB0121", "2018") not in counts and counts["VB0121", "2019"][2] >= 10
