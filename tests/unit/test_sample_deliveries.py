"""The bundled deliveries hold the figures that the policy documents print, and are read without a remark.

The figures below are typed from the documents (004 tables 1 to 3, 000 "Verloop in 3D budgetten", 001
chapter 8), so that a changed digit in a delivery fails here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from pipelines.declarations.load import load_declarations
from pipelines.declarations.source import (
    DelimitedReader,
    FolderConnector,
    Source,
    SpreadsheetReader,
    SwingReader,
)
from pipelines.geography.lookup import declared_lookup
from pipelines.periods import expand_periods
from pipelines.readers import ReadResult, read_file
from pipelines.settings import PROJECT_ROOT

SAMPLE = PROJECT_ROOT / "sources" / "sample"
DECLARATIONS = load_declarations(PROJECT_ROOT / "sources", "sample")
BUCH = ["GM0373", "GM0450", "GM0383", "GM0399"]
FILES = {
    "gmsd_wmo_2016h2.csv": "gmsd_wmo",
    "gmsd_wmo_2015h2.csv": "gmsd_wmo",
    "finance_buch_2016.csv": "finance_buch",
    "begroting_heemskerk_2020_2023.csv": "budget_heemskerk",
    "mei-circulaire-2016.csv": "circulaire_ijmond",
    "september-circulaire-2016.csv": "circulaire_ijmond",
    "ceo_wmo_2015.xlsx": "ceo_wmo",
}


def source(source_id: str) -> Source:
    return next(source for source in DECLARATIONS.sources if source.source_id == source_id)


def bundled() -> Iterator[tuple[Source, str]]:
    """The documents' own deliveries; what is fictional is tested where it is made."""
    for declared in DECLARATIONS.sources:
        if isinstance(declared.connector, FolderConnector) and not declared.origin.fictional:
            folder = SAMPLE / declared.connector.folder
            for path in sorted(folder.glob(declared.connector.pattern)):
                yield declared, path.name


def read(name: str) -> ReadResult:
    declared = source(FILES[name])
    assert isinstance(declared.connector, FolderConnector)
    data = (SAMPLE / declared.connector.folder / name).read_bytes()
    return read_file(name, data, declared, declared_lookup(DECLARATIONS, declared.source_id))


def column(result: ReadResult, name: str) -> list[object]:
    values: list[object] = result.rows[name].to_pylist()
    return values


def totals(result: ReadResult) -> dict[str, float]:
    cells = next(row["cells"] for row in result.no_data.to_pylist() if row["kind"] == "total")
    return {
        name: float(text.replace(".", ""))
        for name, text in json.loads(cells).items()
        if text.replace(".", "").lstrip("-").isdigit()
    }


def test_every_bundled_file_belongs_to_one_source_and_the_other_way_round() -> None:
    assert {name: declared.source_id for declared, name in bundled()} == FILES
    on_disk = {path.name for folder in ("swing", "municipal") for path in (SAMPLE / folder).iterdir()}
    fictional = {
        path.name
        for declared in DECLARATIONS.sources
        if isinstance(declared.connector, FolderConnector) and declared.origin.fictional
        for path in (SAMPLE / declared.connector.folder).glob(declared.connector.pattern)
    }
    assert on_disk - fictional == set(FILES)


@pytest.mark.parametrize("name", FILES)
def test_a_bundled_file_is_read_whole_without_a_problem(name: str) -> None:
    result = read(name)
    assert result.problems == () and not result.refused
    assert result.rows_quarantined == 0 and result.rows_loaded > 0
    assert None not in column(result, "region_code")


def test_use_of_provisions_004_table_3() -> None:
    rows = [row for name in ("gmsd_wmo_2016h2.csv", "gmsd_wmo_2015h2.csv") for row in read(name).rows.to_pylist()]
    figures: dict[tuple[str, str], list[float | None]] = {}
    for row in rows:
        figures.setdefault((row["region_code"], row["period_code"]), []).append(row["value"])
    assert figures == {
        ("GM0373", "2016H2"): [7, 9, 0, 46],
        ("GM0450", "2016H2"): [6, 3, 0, 28],
        ("GM0383", "2016H2"): [None, None, None, None],
        ("GM0399", "2016H2"): [9, 6, 0, 13],
        ("NL01", "2016H2"): [13, 22, 4, 38],
        ("GM0383", "2015H2"): [10, 25, 0, 40],
    }
    missing = [(row["value_text"], row["special"]) for row in rows if row["value"] is None]
    assert missing == [("-99999", "unknown")] * 4


def test_client_experience_004_table_1() -> None:
    result = read("ceo_wmo_2015.xlsx")
    names = ("region_code", "kwaliteit", "oplossingen", "passend", "beter_doen", "response_norm")
    assert [tuple(row[name] for name in names) for row in result.rows.to_pylist()] == [
        ("GM0373", 83, 72, 81, 78, "net niet"),
        ("GM0450", 77, 75, 67, 67, "net niet"),
        ("GM0383", 74, 67, 75, 68, "net niet"),
        ("GM0399", 76, 59, 67, 67, "net niet"),
        ("NL01", 79, 70, 77, 74, None),
    ]
    assert set(column(result, "period_code")) == {"2015"}


def test_finance_of_the_buch_004_table_2() -> None:
    found: dict[str, dict[str, float]] = {}
    for row in read("finance_buch_2016.csv").rows.to_pylist():
        assert row["fiscal_year"] == 2016
        found.setdefault(row["post"], {})[row["region_code"]] = row["amount_eur"]
    assert {post: [amounts[region] for region in BUCH] for post, amounts in found.items()} == {
        "Rijksbudget Jeugd": [3224000, 1673000, 3705000, 2924000],
        "Budget Jeugd opgenomen in de exploitatie": [3261000, 1575000, 3542000, 3056000],
        "Inzet jeugdhulp ZIN": [2880000, 1187000, 2973000, 2280000],
        "Inzet jeugdhulp PGB": [136000, 129000, 180000, 207000],
        "Rijksbudget Wmo": [3556000, 958000, 3399000, 2429000],
        "Budget Wmo opgenomen in de exploitatie": [2073000, 798000, 2205000, 1730000],
        "Inzet begeleiding ZIN incl. 5% toeslag": [975000, 200000, 1096000, 861000],
        "Inzet begeleiding PGB": [241000, 141000, 286000, 67000],
        "Participatiebudget (re-integratie)": [245000, 101000, 151000, 202000],
        "BUIG-budget": [3821000, 1617000, 3786000, 2743000],
    }


@pytest.mark.parametrize(
    ("name", "figures", "printed"),
    [
        ("mei-circulaire-2016.csv", {2016: [31652388, 17980430, 18784480]}, {2016: 68417297}),
        (
            "september-circulaire-2016.csv",
            {
                2016: [31687632, 17962401, 18781043],
                2017: [28318653, 17159748, 17656137],
                2018: [28553517, 17025302, 16838713],
                2019: [28575422, 16860170, 16333596],
            },
            {2016: 68431075, 2017: 63134538, 2018: 62417532, 2019: 61769188},
        ),
    ],
)
def test_budgets_of_the_ijmond_000(name: str, figures: dict[int, list[float]], printed: dict[int, float]) -> None:
    result = read(name)
    assert column(result, "onderdeel") == ["Jeugdhulp", "Wmo 2015", "Participatiewet"]
    assert {year: column(result, f"budget_{year}") for year in figures} == figures
    for year in {2017, 2018, 2019} - set(figures):
        assert result.rows[f"budget_{year}"].null_count == 3
    assert totals(result) == {f"budget_{year}": total for year, total in printed.items()}
    for year, total in printed.items():
        assert abs(sum(figures[year]) - total) <= 1
    assert set(column(result, "region_code")) == {"SV-IJMOND"}


@pytest.mark.parametrize(
    ("year", "lasten", "baten", "wmo"),
    [
        (2020, 43418377, -13811181, (7982934, -305181)),
        (2021, 44075184, -14151353, (8091052, -260019)),
        (2022, 44740077, -14428146, (8269876, -262468)),
        (2023, 45177910, -14452010, (8420763, -275156)),
    ],
)
def test_budget_of_heemskerk_001_chapter_8(year: int, lasten: float, baten: float, wmo: tuple[float, float]) -> None:
    result = read("begroting_heemskerk_2020_2023.csv")
    rows = {row["programma"]: row for row in result.rows.to_pylist()}
    assert len(rows) == 11
    assert (rows["Wmo maatwerk"][f"lasten_{year}"], rows["Wmo maatwerk"][f"baten_{year}"]) == wmo
    assert abs(sum(row[f"lasten_{year}"] for row in rows.values()) - lasten) <= 1
    assert abs(sum(row[f"baten_{year}"] or 0 for row in rows.values()) - baten) <= 1
    assert (totals(result)[f"lasten_{year}"], totals(result)[f"baten_{year}"]) == (lasten, baten)
    assert sum(row[f"baten_{year}"] is not None for row in rows.values()) == 3
    assert rows["Taakstelling"][f"lasten_{year}"] == {2020: -2e5, 2021: -3e5, 2022: -4e5, 2023: -5e5}[year]


def test_the_files_have_the_quirks_that_publishers_give_them() -> None:
    municipal = {path.name: path.read_bytes() for path in (SAMPLE / "municipal").iterdir()}
    finance = municipal["finance_buch_2016.csv"]
    assert b"\x80" in finance and b"\xe9" in finance and b"3.224.000,00" in finance
    heemskerk = municipal["begroting_heemskerk_2020_2023.csv"]
    assert heemskerk.startswith(b"\xef\xbb\xbf") and b",\r\nincl. brede school" in heemskerk
    assert municipal["mei-circulaire-2016.csv"].startswith(b"\xff\xfeO\0n\0")
    swing = (SAMPLE / "swing" / "gmsd_wmo_2016h2.csv").read_bytes()
    assert b'"gemeente2016";"383"' in swing and swing.count(b'"-99999"') == 4


@pytest.mark.parametrize("source_id", sorted({*FILES.values(), "gmsd_participatie"}))
def test_what_is_expected_can_be_delivered_and_every_known_gap_is_expected(source_id: str) -> None:
    declared = source(source_id)
    reader = declared.reader
    assert isinstance(reader, DelimitedReader | SpreadsheetReader | SwingReader)
    known = set(reader.items) if isinstance(reader, SwingReader) else {column.name for column in reader.columns}
    expected = {period for entry in declared.expected for period in expand_periods(entry.periods)}
    assert expected
    for entry in declared.expected:
        assert set(entry.items) <= known
    for gap in declared.known_gaps:
        assert set(expand_periods(gap.periods)) <= expected and "004" in gap.because
    assert {series.item for series in declared.series} <= known
    assert "(00" in declared.origin.citation and not declared.origin.fictional


def test_each_bundled_file_has_its_own_vintage() -> None:
    labels = {}
    for declared, name in bundled():
        fitting = [vintage for vintage in declared.vintages if name.startswith(vintage.pattern.split("*")[0])]
        assert len(fitting) == 1, name
        labels[name] = (fitting[0].label, str(fitting[0].published))
    assert labels == {
        "gmsd_wmo_2016h2.csv": ("gmsd-2016h2", "2017-07-01"),
        "gmsd_wmo_2015h2.csv": ("gmsd-2015h2", "2017-07-01"),
        "finance_buch_2016.csv": ("evaluatie-2016-2017", "2017-08-31"),
        "begroting_heemskerk_2020_2023.csv": ("begroting-2020", "2019-12-31"),
        "mei-circulaire-2016.csv": ("mei-circulaire-2016", "2016-05-31"),
        "september-circulaire-2016.csv": ("september-circulaire-2016", "2016-09-20"),
        "ceo_wmo_2015.xlsx": ("ceo-2015", "2017-08-31"),
    }


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("finance_buch_2016.csv", b"3.224.000,00", b"3.225.000,00"),
        ("begroting_heemskerk_2020_2023.csv", b";4.155;", b";4.156;"),
        ("gmsd_wmo_2016h2.csv", b'"46"', b'"47"'),
        ("gmsd_wmo_2015h2.csv", b'"25"', b'"26"'),
        ("mei-circulaire-2016.csv", "31.6".encode("utf-16-le"), "41.6".encode("utf-16-le")),
    ],
)
def test_one_changed_digit_of_a_figure_changes_the_rows(name: str, old: bytes, new: bytes) -> None:
    declared = source(FILES[name])
    assert isinstance(declared.connector, FolderConnector)
    data = (SAMPLE / declared.connector.folder / name).read_bytes()
    assert data.count(old) == 1
    lookup = declared_lookup(DECLARATIONS, declared.source_id)
    before, after = (read_file(name, text, declared, lookup) for text in (data, data.replace(old, new)))
    assert after.rows_loaded == before.rows_loaded and not after.rows.equals(before.rows)
