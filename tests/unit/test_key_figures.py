"""The declared figures of the yearly report, and the made-up complaints of Voorbeeldland."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from pipelines.declarations.key_figures import KeyFigure, key_figure_rows
from pipelines.declarations.load import DeclarationError, Declarations, load_declarations
from pipelines.geography.lookup import declared_lookup
from pipelines.readers import read_file
from pipelines.settings import PROJECT_ROOT
from pipelines.voorbeeldland import complaints
from pipelines.voorbeeldland.generator import DEFAULT_SEED

MUNICIPAL = PROJECT_ROOT / "sources" / "sample" / "municipal"
FIGURE: dict[str, Any] = {"figure_id": "iets", "heading_nl": "Geld", "because": "Omdat."}
LINE = {"basis": "begroting", "side": "lasten"}


@pytest.fixture(scope="module")
def bundled() -> Declarations:
    return load_declarations(PROJECT_ROOT / "sources", "sample")


# -- key figures -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "both or neither of indicator_id and budget"),
        ({"indicator_id": "bevolking", "label_nl": "x", "budget": LINE}, "both or neither of indicator_id and budget"),
        ({"budget": LINE}, "without label_nl"),
        ({"label_nl": "x", "budget": {**LINE, "basis": "jaarrekening"}}, "expected a taakgebied with it"),
        (
            {
                "label_nl": "x",
                "budget": {**LINE, "basis": "jaarrekening", "taakgebied": "wmo", "provision_form": "pgb"},
            },
            "no provision_form",
        ),
    ],
)
def test_a_figure_is_an_indicator_or_a_line_of_money(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        KeyFigure.model_validate({**FIGURE, **given})


def test_the_order_of_the_declarations_is_the_order_of_the_report() -> None:
    first = KeyFigure.model_validate({**FIGURE, "indicator_id": "bevolking"})
    second = KeyFigure.model_validate({**FIGURE, "figure_id": "geld", "label_nl": "Lasten", "budget": LINE})
    rows = key_figure_rows([first, second])
    assert [(row["place"], row["figure_id"], row.get("basis")) for row in rows] == [
        (1, "iets", None),
        (2, "geld", "begroting"),
    ]


def test_the_report_has_inhabitants_the_three_laws_experience_and_money(bundled: Declarations) -> None:
    headings = list(dict.fromkeys(figure.heading_nl for figure in bundled.key_figures))
    assert headings[0] == "Inwoners" and headings[-1] == "Geld"
    assert {"Jeugd", "Wmo", "Werk en inkomen", "Wat inwoners vinden"} <= set(headings)
    used = [figure.indicator_id for figure in bundled.key_figures if figure.indicator_id]
    assert len(used) == len(set(used)) >= 20


def test_a_key_figure_names_an_indicator_and_a_taakgebied_that_exist(tmp_path: Path) -> None:
    catalogue = tmp_path / "sources" / "catalogue"
    catalogue.mkdir(parents=True)
    (catalogue / "key_figures.yml").write_text(
        "- {figure_id: a, heading_nl: Wmo, indicator_id: onbekend, because: Omdat.}\n"
        "- {figure_id: b, heading_nl: Geld, label_nl: Lasten, because: Omdat., "
        "budget: {basis: begroting, side: lasten, taakgebied: zorg}}\n"
        "- {figure_id: b, heading_nl: Geld, label_nl: Baten, because: Omdat., "
        "budget: {basis: begroting, side: baten}}\n",
        encoding="utf-8",
    )
    with pytest.raises(DeclarationError) as refused:
        load_declarations(tmp_path / "sources", "sample")
    twice, indicator, taakgebied = refused.value.problems
    assert "figure_id b a second time" in twice
    assert "found onbekend, expected an indicator" in indicator
    assert "(taakgebied): found zorg, expected a taakgebied" in taakgebied


# -- complaints --------------------------------------------------------------------------------------


def test_making_the_complaints_again_gives_the_bundled_bytes(tmp_path: Path) -> None:
    complaints.write(tmp_path, DEFAULT_SEED)
    (path,) = tmp_path.iterdir()
    assert path.read_bytes() == (MUNICIPAL / path.name).read_bytes()
    complaints.write(tmp_path, DEFAULT_SEED + 1)
    assert path.read_bytes() != (MUNICIPAL / path.name).read_bytes()


def test_the_bundled_complaints_are_read_whole_and_have_small_numbers_among_them(bundled: Declarations) -> None:
    source = bundled.source("vb_klachten")
    assert source.origin.fictional and (source.smallest_count, source.count_rounding) == (10, 5)
    (path,) = MUNICIPAL.glob("vb_klachten_*.csv")
    result = read_file(path.name, path.read_bytes(), source, declared_lookup(bundled, source.source_id))
    assert not result.problems
    rows = result.rows.to_pylist()
    assert len(rows) == 3 * 8 * 3 * 4
    assert {row["region_code"] for row in rows} == set(complaints.MUNICIPALITIES)
    counts = [row["klachten"] for row in rows]
    assert min(counts) < 10 < max(counts)


def test_a_municipality_delivers_complaints_as_voorbeeldland_does(bundled: Declarations) -> None:
    live = load_declarations(PROJECT_ROOT / "sources", "live").source("klachtenregistratie")
    assert live.reader == bundled.source("vb_klachten").reader
    assert live.attributes == bundled.source("vb_klachten").attributes


def test_every_law_that_is_complained_about_has_an_indicator_that_events_reach(bundled: Declarations) -> None:
    (column,) = [
        column
        for column in bundled.source("vb_klachten").reader.columns  # type: ignore[union-attr]
        if column.name == "wet"
    ]
    known = {indicator.indicator_id for indicator in bundled.indicators}
    assert {f"klachten_over_{law}" for law in column.allowed} <= known
    event = next(event for event in bundled.events if event.event_id == "klachtencoordinator_buch_2017")
    assert event.indicator_ids == ("klachten_*",)
