"""Tables as files for other programs: nothing of others runs in them, no number changes, bytes are the same again."""

from __future__ import annotations

import csv
import datetime as dt
import io
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.publish import exports
from pipelines.publish.exports import export
from pipelines.publish.formulas import neutral
from pipelines.publish.place import standing_folder
from pipelines.publish.publication import publish
from pipelines.query import query_published
from pipelines.settings import Settings, SetupError
from pipelines.warehouse.connection import connect

ATTACKS = (
    "=1+1",
    "=cmd|' /C calc'!A0",
    "+cmd|' /C calc'!A0",
    "-2+3+cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    '=HYPERLINK("http://127.0.0.1:9/?x="&A1,"klik")',
    '=DDE("cmd";"/C calc";"x")',
    '=IMPORTXML(CONCAT("http://127.0.0.1:9/",A1),"//a")',
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    "  =1+1",
    "\u00a0=1+1",
    "\u200b=1+1",
    "\ufeff=1+1",
    "\u202e=1+1",
    "\x00=1+1",
    '"=1+1"',
    "＝1+1",
    "＋1+1",
    "－1+1",
    "＠SUM(1)",
    "Heiloo;=1+1",
    "Heiloo,=1+1",
    "Heiloo\t=1+1",
    "Heiloo\r\n=1+1",
    'Heiloo";"=1+1',
)
DAY = dt.datetime(2026, 7, 1)  # noqa: DTZ001 - a workbook knows no time zones
HARMLESS = (
    "Heiloo",
    "-3",
    "-3.5",
    "-3,5",
    "+31",
    "-1e-05",
    "a=b",
    "2016-2017",
    "e-mail@voorbeeld",
    "'s-Gravenhage",
    "",
)
_SIGNS = "=+-@＝＋－＠"
_UNSEEN = ' \t\r\n"\x00\u00a0\u200b\u202e\ufeff'


def _runs(cell: str) -> bool:
    """Whether a spreadsheet could take a cell for a formula, and it is no number."""
    try:
        float(cell.replace(",", "."))
    except ValueError:
        return cell.lstrip(_UNSEEN).startswith(tuple(_SIGNS))
    return False


def test_the_attacks_are_attacks() -> None:
    assert [text for text in ATTACKS if not any(map(_runs, _cells_somewhere(text)))] == []


def _cells_somewhere(text: str) -> list[str]:
    """The cells into which a text falls apart in a program that takes another sign for the separator."""
    return [text, *text.replace(",", ";").replace("\t", ";").replace("\r", ";").replace("\n", ";").split(";")]


@pytest.mark.parametrize("text", ATTACKS)
def test_no_attack_is_a_formula_wherever_a_program_cuts(text: str) -> None:
    assert [cell for cell in _cells_somewhere(neutral(text)) if _runs(cell)] == []


@pytest.mark.parametrize("text", HARMLESS)
def test_what_runs_nowhere_stays_as_it_is(text: str) -> None:
    assert neutral(text) == text


@given(st.text(alphabet="=+-@;,\t\r\n\"' aA1.＝\u00a0\u200b", max_size=12))
def test_no_text_becomes_a_formula_and_doing_it_again_changes_nothing(text: str) -> None:
    once = neutral(text)
    assert [cell for cell in _cells_somewhere(once) if _runs(cell)] == []
    assert neutral(once) == once
    assert once.replace("'", "") == text.replace("'", "")


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_in_csv_is_the_same_number(number: float) -> None:
    assert float(exports._csv_field(number).replace(",", ".")) == number


def _published(root: Path, *tables: str) -> Settings:
    settings = Settings(data_dir=root / "data")
    with connect(settings.warehouse_path) as connection:
        for table in tables:
            connection.execute(table)
        connection.execute(
            "create table marts.delivery as select 'v' as vintage_id, 's' as source_id, null::date as vintage_date, "
            "null as vintage_label, 'c' as checksum_sha256, true as is_current"
        )
    publish(settings, "run-1")
    return settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    values = ",".join(f"({number}, '{text.replace(chr(39), chr(39) * 2)}')" for number, text in enumerate(ATTACKS))
    return _published(
        tmp_path,
        # DuckDB takes a nought in a text literal for its end.
        f"create table marts.label as select * from (values {values.replace(chr(0), '')}) as t (nr, tekst)",
        "create table marts.cijfer as select * from (values "
        "(1, -3.25::double, -7::bigint, date '2026-07-01', timestamp '2026-07-01 12:30:00', true, '-3'), "
        "(2, 12.5, 9007199254740993, null, null, false, '#N/A'), (3, 'nan'::double, 0, null, null, null, null)) "
        "as t (nr, waarde, aantal, dag, moment, ja, tekst)",
        "comment on table marts.cijfer is '=wat het is'",
        "comment on column marts.cijfer.waarde is 'De waarde.'",
    )


def _csv_rows(path: Path) -> list[list[str]]:
    return list(csv.reader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline=""), delimiter=";"))


def test_csv_is_what_a_dutch_excel_opens(settings: Settings, tmp_path: Path) -> None:
    exported = export(settings, ["cijfer"], "csv", tmp_path / "out")
    assert [path.name for path in exported.paths] == ["cijfer.csv", "uitleg.csv"]
    assert exported.paths[0].read_bytes() == (
        b"\xef\xbb\xbfnr;waarde;aantal;dag;moment;ja;tekst\r\n"
        b"1;-3,25;-7;2026-07-01;2026-07-01 12:30:00;WAAR;-3\r\n"
        b"2;12,5;9007199254740993;;;ONWAAR;#N/A\r\n"
        b"3;;0;;;;\r\n"
    )
    assert _csv_rows(exported.paths[1])[1:4] == [
        ["cijfer", "", "", "3", "'=wat het is"],
        ["cijfer", "nr", "INTEGER", "", ""],
        ["cijfer", "waarde", "DOUBLE", "", "De waarde."],
    ]


@pytest.mark.parametrize("separator", [";", ",", "\t", "|"])
def test_nothing_in_a_csv_runs_whatever_is_taken_for_the_separator(
    settings: Settings, tmp_path: Path, separator: str
) -> None:
    ours = export(settings, [], "csv", tmp_path / "out").paths
    texts = [path.read_bytes().decode("utf-8-sig") for path in ours]
    texts.append(query_published(settings, "from marts.label", "csv"))
    # Names of columns that come out of the data.
    texts.append(query_published(settings, "pivot marts.label on tekst using first(nr)", "csv"))
    for text in texts:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator):
            assert [cell for cell in row if _runs(cell)] == []
        for line in text.splitlines():
            assert [cell for cell in line.split(separator) if _runs(cell)] == []


def test_a_workbook_has_types_and_texts_are_texts(settings: Settings, tmp_path: Path) -> None:
    (path,) = export(settings, [], "xlsx", tmp_path / "out").paths
    book = openpyxl.load_workbook(path)
    assert book.sheetnames == ["uitleg", "cijfer", "delivery", "label"]
    header, first, second, third = [[cell.value for cell in row] for row in book["cijfer"].iter_rows()]
    assert header == ["nr", "waarde", "aantal", "dag", "moment", "ja", "tekst"]
    assert first == [1, -3.25, -7, DAY, DAY.replace(hour=12, minute=30), True, "-3"]
    assert second == [2, 12.5, "9007199254740993", None, None, False, "#N/A"]
    assert third == [3, None, 0, None, None, None, None]
    shown = {row[0].value: row[1] for row in book["label"].iter_rows(min_row=2)}
    assert len(shown) == len(ATTACKS)
    for number, attack in enumerate(ATTACKS):
        cell = shown[number]
        assert cell.data_type == "s", attack
        assert cell.quotePrefix == (neutral(cell.value) != cell.value), attack
    # To the letter, but for what no terminal or workbook can show.
    assert shown[1].value == "=cmd|' /C calc'!A0"
    with zipfile.ZipFile(path) as package:
        assert [
            name for name in package.namelist() if b"<f>" in package.read(name) or b"<f " in package.read(name)
        ] == []
        assert not any("external" in name.lower() or "vba" in name.lower() for name in package.namelist())


def test_parquet_is_the_published_file(settings: Settings, tmp_path: Path) -> None:
    (path,) = export(settings, ["label"], "parquet", tmp_path / "out").paths
    assert path.read_bytes() == (settings.published_path.parent / "parquet" / "label.parquet").read_bytes()


def test_parquet_is_that_of_the_publication_that_is_read_also_where_a_file_names_it(
    settings: Settings, tmp_path: Path
) -> None:
    root = settings.published_path.parent
    counts = standing_folder(root)
    assert counts is not None
    for link in [path for path in root.iterdir() if path.is_symlink()]:
        link.unlink()
    (root / "current.txt").write_text(f"{counts.name}\n", encoding="utf-8")
    (path,) = export(settings, ["label"], "parquet", tmp_path / "out").paths
    assert path.read_bytes() == (counts / "parquet" / "label.parquet").read_bytes()


def test_a_text_of_nothing_but_separators_is_looked_at_once() -> None:
    """Of quadratic work this would be hours."""
    assert neutral("a" + "\t\n" * 500_000) == "a" + "\t\n" * 500_000
    assert neutral("a" + "\n" * 500_000 + "=1") == "a" + "\n" * 500_000 + "'=1"


@pytest.mark.parametrize("form", exports.FORMATS)
def test_the_same_tables_are_the_same_bytes_and_other_files_stay(
    settings: Settings, tmp_path: Path, form: exports.Format, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "notitie.txt").write_text("blijft")
    once = export(settings, [], form, tmp_path / "a")
    monkeypatch.setattr("time.time", lambda: 2_000_000_000.0)
    again = export(settings, [], form, tmp_path / "b")
    assert [path.read_bytes() for path in once.paths] == [path.read_bytes() for path in again.paths]
    assert {path.name for path in (tmp_path / "b").iterdir()} == {"notitie.txt", *(path.name for path in again.paths)}


def test_a_table_that_no_sheet_holds_is_refused_before_anything_is_written(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "MOST_ROWS", len(ATTACKS))
    with pytest.raises(SetupError, match=rf"^label: found {len(ATTACKS)} rows, expected at most .*csv or parquet"):
        export(settings, [], "xlsx", tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert export(settings, ["cijfer"], "xlsx", tmp_path / "out").paths


def test_a_text_that_no_cell_holds_is_cut_off_and_says_so(tmp_path: Path) -> None:
    settings = _published(tmp_path, "create table marts.lang as select repeat('a', 40000) as tekst")
    exported = export(settings, ["lang"], "xlsx", tmp_path / "out")
    value: Any = openpyxl.load_workbook(exported.paths[0])["lang"]["A2"].value
    assert (len(value), value[-24:]) == (32_767, "… (afgekapt, 40000 tekens)"[-24:])
    assert "1 cell was cut off" in exported.notices[0]
    csv_path = export(settings, ["lang"], "csv", tmp_path / "out").paths[0]
    assert _csv_rows(csv_path)[1] == ["a" * 40_000]


def test_long_names_of_tables_are_sheets_of_their_own(tmp_path: Path) -> None:
    long = "indicator_municipality_of_a_cooperation"
    settings = _published(tmp_path, *(f"create table marts.{long}_{n} as select {n} as nr" for n in (1, 2)))
    (path,) = export(settings, [f"{long}_1", f"{long}_2"], "xlsx", tmp_path / "out").paths
    book = openpyxl.load_workbook(path)
    assert [len(name) <= 31 for name in book.sheetnames] == [True] * 3
    assert [book[name]["A2"].value for name in book.sheetnames[1:]] == [1, 2]


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "label; drop table label", 'x"; drop table marts.label; --', "labels"]
)
def test_an_unknown_table_is_told_with_what_looks_like_it(settings: Settings, tmp_path: Path, name: str) -> None:
    with pytest.raises(SetupError, match="found no published table") as told:
        export(settings, [name], "csv", tmp_path / "out")
    assert "expected such as" in str(told.value)
    assert not (tmp_path / "out").exists()


def test_before_the_first_publication_and_without_a_folder_it_says_what_to_do(
    settings: Settings, tmp_path: Path
) -> None:
    with pytest.raises(SetupError, match="nulmeting run"):
        export(Settings(data_dir=tmp_path / "nothing"), [], "csv", tmp_path / "out")
    (tmp_path / "file").write_text("x")
    with pytest.raises(SetupError, match=r"--out: .*cannot be written"):
        export(settings, [], "csv", tmp_path / "file")
