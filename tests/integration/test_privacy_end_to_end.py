"""Persons in deliveries: the files are refused, and nothing that was in them is anywhere after the run."""

from __future__ import annotations

import datetime as dt
import re
import sqlite3
import subprocess
import zipfile
from dataclasses import dataclass
from pathlib import Path

import duckdb
import openpyxl
import pytest

from tests.integration.conftest import Workspace, copy_of
from tests.kept_text import everything_below

pytestmark = pytest.mark.xdist_group("command_line")

# Numbers that pass the eleven test, and belong to nobody that the tests know of: one for every place in a file.
# None with digits that only go up: the indices of a compressed column do, one byte each.
NUMBERS = ("504918308", "620493100", "987654329", "135792460", "246913502", "731946200", "998877669", "213243544")
NAMES = ("Sjoukje Vlasblom", "Wubbo Terpstra-Oosterling")
BIRTHS = ("17-03-1968", "1974-11-05")


def test_the_numbers_are_what_they_stand_for() -> None:
    for number in NUMBERS:
        digits = [int(digit) for digit in number]
        assert sum(d * w for d, w in zip(digits, (9, 8, 7, 6, 5, 4, 3, 2, -1), strict=True)) % 11 == 0


@dataclass
class Leaky:
    """A workspace with persons in its deliveries, and what a whole run made of it."""

    workspace: Workspace
    run: subprocess.CompletedProcess[str]
    files: dict[str, Path]
    secrets: tuple[str, ...]


def _with_column(text: str, header: str, value: str, rows: int = 100) -> str:
    """The delivery with one more column, filled in the first rows."""
    first, *others = text.splitlines()
    filled = [f"{row};{value if number < rows else ''}" for number, row in enumerate(others)]
    return "\r\n".join([f"{first};{header}", *filled]) + "\r\n"


def _csv_deliveries(folder: Path) -> dict[str, Path]:
    good = (folder / "finance_buch_2016.csv").read_bytes().decode("windows-1252")
    texts = {
        "finance_buch_kolom.csv": _with_column(good, "BSN", NUMBERS[0]),
        "finance_buch_naam.csv": _with_column(good, "Naam cliënt", NAMES[0]),
        "finance_buch_geboren.csv": _with_column(good, "Geboortedatum", BIRTHS[0]),
        "finance_buch_cel.csv": good.replace("Rijksbudget Jeugd", f"{NAMES[0]} {NUMBERS[1]}", 1),
        "finance_buch_gemeente.csv": good.replace("Heiloo", NUMBERS[2], 1),
        "finance_buch_opmerking.csv": _with_column(good, "Opmerking", f"zie {NAMES[0]}, {NUMBERS[3]}", rows=1),
        f"finance_buch_{NUMBERS[4]}.csv": good,
    }
    paths = {}
    for name, text in texts.items():
        paths[name] = folder / name
        paths[name].write_bytes(text.encode("windows-1252"))
    return paths


def _xlsx_deliveries(folder: Path) -> dict[str, Path]:
    paths = {}

    def save(name: str, header: str | None, value: object, at: tuple[int, int] | None = None) -> None:
        book = openpyxl.load_workbook(folder / "ceo_wmo_2015.xlsx")
        sheet = book["Wmo 2015"]
        if at is not None:
            sheet.cell(*at, value)
        elif header is not None:
            column = sheet.max_column + 1
            sheet.cell(3, column, header)
            for row in range(4, 8):
                sheet.cell(row, column, value)
        paths[name] = folder / name
        book.save(paths[name])

    save("ceo_wmo_kolom.xlsx", "Burgerservicenummer", int(NUMBERS[5]))
    save("ceo_wmo_naam.xlsx", "Achternaam", NAMES[1])
    save("ceo_wmo_geboren.xlsx", "Geb.datum", dt.date.fromisoformat(BIRTHS[1]))
    save("ceo_wmo_cel.xlsx", None, f"{NAMES[1]}, {NUMBERS[6]}", at=(4, 1))
    save(f"ceo_wmo_{NUMBERS[7]}.xlsx", None, None)
    return paths


@pytest.fixture(scope="module")
def leaky(sample_run: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Leaky:
    workspace = copy_of(sample_run, tmp_path_factory.mktemp("leaky"))
    folder = workspace.sample / "municipal"
    files = {**_csv_deliveries(folder), **_xlsx_deliveries(folder)}
    return Leaky(workspace, workspace.command("run"), files, (*NUMBERS, *NAMES, *BIRTHS, "Vlasblom", "Oosterling"))


def _shown_name(name: str) -> str:
    return re.sub(r"[0-9]{9}", "[withheld]", name)


def test_every_file_is_refused_for_personal_data_and_the_rest_is_published(leaky: Leaky) -> None:
    assert leaky.run.returncode == 1, leaky.run.stdout + leaky.run.stderr
    found = leaky.workspace.rows("select file, reason from marts.quarantine group by all order by all")
    assert found == sorted((_shown_name(name), "personal_data") for name in leaky.files)
    refused = leaky.workspace.rows(
        "select file, rows_loaded from marts.delivery where status = 'refused' and not is_current order by file"
    )
    assert refused == sorted((_shown_name(name), 0) for name in leaky.files)
    amount = "select amount_eur from marts.budget where region_code = 'GM0450' and programme = 'buig'"
    assert leaky.workspace.value(amount) == 1617000


def test_of_a_file_about_persons_no_byte_is_kept(leaky: Leaky) -> None:
    for name in leaky.files:
        (record,) = (leaky.workspace.data / "raw").glob(f"*/{_shown_name(name).replace('[', '[[]')}/*/*")
        assert record.name == "snapshot.json"


def test_what_was_printed_holds_no_person(leaky: Leaky) -> None:
    printed = leaky.run.stdout + leaky.run.stderr
    assert "finance_buch_kolom.csv" in printed
    assert [secret for secret in leaky.secrets if secret in printed] == []


def test_no_byte_below_the_data_directory_holds_a_person(leaky: Leaky) -> None:
    found = [
        (place, secret)
        for place, text in everything_below(leaky.workspace.data)
        for secret in leaky.secrets
        if secret in text
    ]
    assert found == []


def test_the_search_would_find_them(leaky: Leaky, tmp_path: Path) -> None:
    """The search above is worth something: it finds a person in each kind of file that a run writes."""
    secret = NUMBERS[0]
    with duckdb.connect(str(tmp_path / "a.duckdb")) as connection:
        connection.execute(f"create table t as select {secret} as number, 'x' as text from range(3000)")
        connection.execute(f"copy t to '{tmp_path / 'b.parquet'}' (format parquet, compression zstd)")
    with sqlite3.connect(tmp_path / "c.db") as database:
        database.execute("create table t (a text)")
        database.execute("insert into t values (?)", [f'{{"a": "{secret}"}}'])
    with zipfile.ZipFile(tmp_path / "d.xlsx", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("sheet.xml", secret * 50)
    (tmp_path / "e.json").write_text(secret, encoding="utf-16")
    found = {place.split("/")[0] for place, text in everything_below(tmp_path) if secret in text}
    assert found == {"a.duckdb", "b.parquet", "c.db", "d.xlsx", "e.json"}
    kinds = {path.suffix for path in leaky.workspace.data.rglob("*") if path.is_file()}
    assert {".duckdb", ".parquet", ".db", ".sqlite", ".xlsx", ".json", ".log", ".txt", ".html"} <= kinds


def test_check_refuses_the_same_files_and_shows_nobody(leaky: Leaky) -> None:
    files = sorted(leaky.files.items())
    outcome = leaky.workspace.command("check", *(str(path) for _, path in files))
    assert outcome.returncode == 1
    assert outcome.stderr == ""
    verdicts = [line for line in outcome.stdout.splitlines() if line.endswith("; het hele bestand wordt geweigerd")]
    assert [line.partition(" als ")[0] for line in verdicts] == [_shown_name(name) for name, _ in files]
    assert [secret for secret in leaky.secrets if secret in outcome.stdout] == []
