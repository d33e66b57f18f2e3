"""Which declaration a file is held against, and what is told of it, before it is sent."""

from __future__ import annotations

import io
import shutil
from collections.abc import Sequence
from pathlib import Path

import openpyxl
import pytest
from typer.testing import CliRunner

from pipelines.cli import app
from pipelines.connectors import folder
from pipelines.declarations.source import FolderConnector, Source
from pipelines.delivery_check import MOST_SHOWN, Outcome, check_files
from pipelines.delivery_match import fitting
from pipelines.publish.publication import publish
from pipelines.settings import PROJECT_ROOT, Settings, SetupError
from pipelines.warehouse.connection import connect
from tests.unit.reader_sources import swing

SAMPLE = PROJECT_ROOT / "sources" / "sample"
FINANCE = SAMPLE / "municipal" / "finance_buch_2016.csv"
DELIVERIES = sorted([*SAMPLE.glob("municipal/*"), *SAMPLE.glob("swing/*")])
BSN = "123456782"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data")


def _check(settings: Settings, path: Path, source: str | None = None) -> Outcome:
    (outcome,) = check_files(settings, [path], source)
    return outcome


def _copy(path: Path, to: Path, name: str) -> Path:
    return Path(shutil.copyfile(path, to / name))


def _edited(tmp_path: Path, edit: tuple[str, str], name: str = "finance_buch_2017.csv") -> Path:
    text = FINANCE.read_bytes().decode("windows-1252")
    assert edit[0] in text
    path = tmp_path / name
    path.write_bytes(text.replace(*edit, 1).encode("windows-1252"))
    return path


@pytest.mark.parametrize("path", DELIVERIES, ids=lambda path: path.name)
def test_every_bundled_delivery_is_in_order_and_found_by_its_name(settings: Settings, path: Path) -> None:
    outcome = _check(settings, path)
    assert (outcome.problems, outcome.not_checked) == ((), None)
    assert " rijen in = " in outcome.verdict and outcome.verdict.endswith("+ 0 in quarantaine")


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("municipal/finance_buch_2016.csv", "finance_buch"),
        ("municipal/begroting_heemskerk_2020_2023.csv", "budget_heemskerk"),
        ("municipal/mei-circulaire-2016.csv", "circulaire_ijmond"),
        ("municipal/ceo_wmo_2015.xlsx", "ceo_wmo"),
        ("swing/gmsd_wmo_2016h2.csv", "gmsd_wmo"),
    ],
)
def test_where_the_name_does_not_fit_the_header_tells_which_declaration(
    settings: Settings, tmp_path: Path, path: str, source: str
) -> None:
    renamed = _copy(SAMPLE / path, tmp_path, f"van_collega{Path(path).suffix}")
    outcome = _check(settings, renamed)
    assert (outcome.problems, outcome.not_checked) == ((), None)
    assert outcome.verdict.startswith(f"{renamed.name} als {source}: ")


def test_a_header_in_another_encoding_is_recognised_and_the_encoding_is_the_problem(
    settings: Settings, tmp_path: Path
) -> None:
    path = tmp_path / "van_collega.csv"
    path.write_bytes(FINANCE.read_bytes().decode("windows-1252").encode("utf-8"))
    outcome = _check(settings, path)
    assert [problem.reason for problem in outcome.problems] == ["wrong_encoding"]
    assert " als finance_buch: " in outcome.verdict


@pytest.mark.parametrize("content", [b"a;b\n1;2\n", b"", b"\x89PNG\r\n", b'"'])
def test_where_nothing_fits_all_sources_are_listed(settings: Settings, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "onbekend.csv"
    path.write_bytes(content)
    said = _check(settings, path).not_checked
    assert said is not None and said.startswith("onbekend.csv: found ") and "--as" in said
    for source in ("budget_heemskerk", "ceo_wmo", "circulaire_ijmond", "finance_buch", "gmsd_participatie", "gmsd_wmo"):
        assert source in said


def test_where_several_fit_those_are_listed(settings: Settings, tmp_path: Path) -> None:
    shutil.copytree(PROJECT_ROOT / "sources", tmp_path / "sources", ignore=shutil.ignore_patterns("voorbeeldland"))
    declared = tmp_path / "sources" / "municipal" / "finance_buch.yml"
    text = declared.read_text(encoding="utf-8").replace("source_id: finance_buch", "source_id: finance_twee")
    (declared.with_name("finance_twee.yml")).write_text(text, encoding="utf-8")
    both = settings.model_copy(update={"sources_dir": tmp_path / "sources"})
    said = _check(both, FINANCE).not_checked
    assert said is not None and "fit finance_buch, finance_twee" in said
    assert "ceo_wmo" not in said
    assert " als finance_twee: 44 rijen in = " in _check(both, FINANCE, "finance_twee").verdict


def test_the_name_goes_before_the_header(settings: Settings, tmp_path: Path) -> None:
    path = _copy(FINANCE, tmp_path, "gmsd_wmo_2016.csv")
    outcome = _check(settings, path)
    assert " als gmsd_wmo: " in outcome.verdict and outcome.problems


def test_what_is_named_wins_from_name_and_header(settings: Settings) -> None:
    outcome = _check(settings, FINANCE, "budget_heemskerk")
    assert " als budget_heemskerk: " in outcome.verdict and outcome.problems


def test_a_source_that_is_not_declared_or_not_delivered_as_files_is_wrong_use(settings: Settings) -> None:
    for name in ("finance", "vb_wmo"):
        with pytest.raises(SetupError, match=f"--as: found {name}, expected one of budget_heemskerk"):
            _check(settings, FINANCE, name)


def test_a_file_that_is_not_there_does_not_keep_the_others_from_being_checked(
    settings: Settings, tmp_path: Path
) -> None:
    absent, folder_, good = check_files(settings, [tmp_path / "weg.csv", tmp_path, FINANCE], None)
    assert absent.not_checked is not None and "found no such file" in absent.not_checked
    assert folder_.not_checked is not None and "found a folder" in folder_.not_checked
    assert good.verdict.startswith("finance_buch_2016.csv als finance_buch: 44 rijen in = 40 te laden + 4 zonder")


def test_a_file_still_being_written_and_a_closed_one_are_told(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for error, said in (
        (folder.DeliveryError(f"{FINANCE.name}: found a file that is still being written"), "still being written"),
        (PermissionError(13, "Permission denied"), "Permission denied"),
    ):

        def failing(path: Path, error: Exception = error) -> bytes:
            raise error

        monkeypatch.setattr(folder, "read_bytes", failing)
        found = _check(settings, FINANCE).not_checked
        assert found is not None and said in found


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (("Heiloo;", "Heilo;"), 'finance_buch_2017.csv:5:1 (Gemeente): found "Heilo", expected'),
        (("3.224.000,00", "veel"), 'finance_buch_2017.csv:2:4 (Bedrag in €): found "veel", expected a number like'),
        (("Boekjaar", "Jaar"), 'finance_buch_2017.csv:1 (Boekjaar): found the headers "Gemeente", "Jaar"'),
    ],
)
def test_a_problem_names_file_line_column_and_what_was_expected(
    settings: Settings, tmp_path: Path, edit: tuple[str, str], said: str
) -> None:
    outcome = _check(settings, _edited(tmp_path, edit))
    assert [str(problem)[: len(said)] for problem in outcome.problems] == [said]


def test_nothing_is_loaded_or_kept(settings: Settings, tmp_path: Path) -> None:
    _check(settings, FINANCE)
    _check(settings, _edited(tmp_path, ("Heiloo;", "Heilo;")))
    assert not settings.data_dir.exists()


def test_after_a_run_the_regions_of_the_publishers_are_known_too(settings: Settings, tmp_path: Path) -> None:
    path = _edited(tmp_path, ("Heiloo;", "Ootmarsum aan de Regge;"))
    assert [problem.reason for problem in _check(settings, path).problems] == ["unknown_region"]
    with connect(settings.warehouse_path) as connection:
        connection.execute(
            "create table marts.region as select 'GM9999' as region_code, 'Ootmarsum aan de Regge' as region_name"
        )
        connection.execute(
            "create table marts.delivery as select 'v' as vintage_id, 's' as source_id, null::date as vintage_date, "
            "null as vintage_label, 'c' as checksum_sha256, true as is_current"
        )
    publish(settings, "run-1")
    assert _check(settings, path).problems == ()


def _workbook(tmp_path: Path, name: str, header: str, values: Sequence[object]) -> Path:
    book = openpyxl.load_workbook(SAMPLE / "municipal" / "ceo_wmo_2015.xlsx")
    sheet = book["Wmo 2015"]
    column = sheet.max_column + 1
    sheet.cell(3, column, header)
    for row, value in enumerate(values, start=4):
        sheet.cell(row, column, value)
    path = tmp_path / name
    book.save(path)
    return path


@pytest.mark.parametrize("name", ["ceo_wmo_2016.xlsx", "van_collega.xlsx"])
def test_a_workbook_about_persons_is_refused_without_showing_them(
    settings: Settings, tmp_path: Path, name: str
) -> None:
    outcome = _check(settings, _workbook(tmp_path, name, "BSN", [int(BSN)] * 4))
    assert {problem.reason for problem in outcome.problems} == {"personal_data"}
    assert outcome.verdict.endswith("het hele bestand wordt geweigerd")
    assert BSN not in str(outcome)


def test_a_remark_about_a_person_in_a_workbook_is_refused(settings: Settings, tmp_path: Path) -> None:
    path = _workbook(tmp_path, "ceo_wmo_2016.xlsx", "Opmerking", ["", f"zie mevrouw Vlasblom, {BSN}", ""])
    outcome = _check(settings, path)
    assert {problem.reason for problem in outcome.problems} == {"personal_data"}
    assert BSN not in str(outcome) and "Vlasblom" not in str(outcome)


@pytest.mark.parametrize("name", [f"finance_buch_{BSN}.csv", f"pgb {BSN}.csv"])
def test_a_bsn_in_the_name_of_a_file_is_refused_and_not_repeated(settings: Settings, tmp_path: Path, name: str) -> None:
    outcome = _check(settings, _copy(FINANCE, tmp_path, name))
    assert {problem.reason for problem in outcome.problems} == {"personal_data"}
    assert BSN not in str(outcome)
    absent = _check(settings, tmp_path / "weg" / name)
    assert absent.not_checked is not None and BSN not in absent.not_checked


# -- what is found where nothing is declared, and how much is told -----------------------------------------


def test_of_a_file_that_fits_nothing_a_declaration_is_drafted_that_then_fits(
    settings: Settings, tmp_path: Path
) -> None:
    path = tmp_path / "wachtlijst_2023.csv"
    path.write_bytes("Gemeente;Jaar;Wachtenden\r\nHeiloo;2023;12\r\nUitgeest;2023;7\r\n".encode("utf-16"))
    outcome = _check(settings, path)
    assert outcome.not_checked is not None and "fit no declared source" in outcome.not_checked
    shutil.copytree(PROJECT_ROOT / "sources", tmp_path / "sources", ignore=shutil.ignore_patterns("voorbeeldland"))
    (tmp_path / "sources" / "municipal" / "wachtlijst.yml").write_text(outcome.draft, encoding="utf-8")
    again = _check(settings.model_copy(update={"sources_dir": tmp_path / "sources"}), path)
    assert again.verdict == "wachtlijst_2023.csv als wachtlijst_2023: 3 rijen in = 2 te laden + 1 zonder cijfer + " + (
        "0 in quarantaine"
    )


@pytest.mark.parametrize(
    "text", [f"Gemeente;Jaar;Kenmerk\nHeiloo;2023;{BSN}\n", "Gemeente;Achternaam\nHeiloo;Vlasblom\n"]
)
def test_of_a_file_about_persons_no_declaration_is_drafted(settings: Settings, tmp_path: Path, text: str) -> None:
    path = tmp_path / "onbekend.csv"
    path.write_text(text)
    outcome = _check(settings, path)
    assert outcome.draft == ""
    assert outcome.not_checked is not None and "which no declaration lets in" in outcome.not_checked
    assert BSN not in str(outcome) and "Vlasblom" not in str(outcome)


def test_of_very_many_problems_the_first_are_told_and_how_many_there_are(settings: Settings, tmp_path: Path) -> None:
    first, *lines = FINANCE.read_bytes().decode("windows-1252").splitlines()
    rows = [lines[0].replace("Bergen", f"Nergens {n}", 1) for n in range(MOST_SHOWN + 50)]
    path = tmp_path / "finance_buch_2017.csv"
    path.write_bytes("\r\n".join([first, *rows]).encode("windows-1252"))
    outcome = _check(settings, path)
    assert len(outcome.problems) == MOST_SHOWN
    assert f"{MOST_SHOWN + 50} in quarantaine" in outcome.verdict
    assert outcome.verdict.endswith(f"hierboven staan de eerste {MOST_SHOWN} van {MOST_SHOWN + 50} meldingen")


def test_messages_and_json_are_recognised_by_what_is_in_them() -> None:
    namespace = "http://www.istandaarden.nl/iwmo/3_2/wmo301/schema"
    message = f'<?xml version="1.0"?>\n<a:Bericht xmlns:a="{namespace}"/>'.encode()
    iv3 = b'{"metadata": {"overheidsnummer": "9999"}, "data": {}}'
    sources = {
        kind: Source.model_validate(
            {
                "source_id": kind,
                "title": kind,
                "publisher": "Gemeente",
                "licence": "geen",
                "cadence": "yearly",
                "profiles": ["sample"],
                "origin": {"producer": "Gemeente", "citation": kind},
                "connector": {"kind": "folder", "pattern": "geen"},
                "person_level": kind != "iv3",
                "reader": {"kind": "iv3", "amounts": "eur"}
                if kind == "iv3"
                else {"kind": "istandaard", "standard": kind},
            }
        )
        for kind in ("iwmo", "ijw", "iv3")
    }
    for data, expected in ((message, ["iwmo"]), (iv3, ["iv3"]), (b"<html/>", []), (b'{"a": 1}', [])):
        assert [source.source_id for source in fitting("levering", data, sources.values())] == expected


def test_a_swing_workbook_is_recognised_by_the_first_row_of_any_sheet() -> None:
    source = swing("hulp")
    book = openpyxl.Workbook()
    book.active.append(["Toelichting"])
    book.create_sheet("Data").append(["Period", "GeoLevel", "geoitem", "hulp"])
    stream = io.BytesIO()
    book.save(stream)
    other = source.model_copy(update={"connector": FolderConnector(kind="folder", pattern="geen")})
    assert fitting("export.xlsx", stream.getvalue(), [other]) == [other]
    assert fitting("export.xlsx", stream.getvalue()[:-50], [other]) == []


def test_the_draft_goes_to_standard_output_after_a_message_elsewhere(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NULMETING_DATA_DIR", str(settings.data_dir))
    path = tmp_path / "wachtlijst.csv"
    path.write_text("Gemeente;Jaar;Wachtenden\nHeiloo;2023;12\n")
    result = CliRunner().invoke(app, ["check", str(path)])
    assert result.exit_code == 2
    assert result.stderr.startswith("nulmeting: wachtlijst.csv: found a name and a header that fit no declared source")
    assert result.stdout.startswith("# wachtlijst.csv: ") and "\nsource_id: wachtlijst\n" in result.stdout
