"""Deliveries, publishers and arguments that attack, each as it would come: nothing runs, nothing leaves its place.

What it detects: text of others that becomes a formula, SQL, markup, a path or a command to a terminal; a small file
that fills the memory. What usually causes it: an output or a reader beside the ones that everything goes through. What
next: `publish.formulas` and `terminal_text` for what goes out, `readers.watched_xml` and `istandaard.secure_xml` for
XML, `packages` for zips. More of what harms readers is in `tests/corpus_*.py`.
"""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import yaml
from typer.testing import CliRunner

from pipelines import cli
from pipelines.connectors.cbs_bulk import fetch_bulk
from pipelines.connectors.cbs_v4 import fetch_properties, fetch_table
from pipelines.connectors.folder import find_deliveries
from pipelines.connectors.http import SourceError, open_client
from pipelines.declarations.load import load_declarations
from pipelines.declarations.marked_yaml import DeclarationError
from pipelines.declarations.source import CbsV4Connector, FolderConnector
from pipelines.settings import PROJECT_ROOT, SetupError
from tests import corpus_istandaard, corpus_text, corpus_xlsx
from tests.corpus import read_case
from tests.integration.conftest import Workspace, copy_of
from tests.networks import local_server
from tests.servers import QUICK, BulkServer, ReplayServer, bulk_file, refusing, replacing, small_table

TABLE = "00001ned"
ESCAPE = "\x1b"
FORMULA = '=HYPERLINK("http://127.0.0.1:9/?"&A1,"klik")'
SQL = "'); drop table marts.observation; drop schema marts cascade; --"
COLUMN = 'soort" from raw.delivery; drop table raw.delivery; --'
SCRIPT = "<script>alert(1)</script><img src=x onerror=alert(1)>"
TURNED = "\u202egnitem"
MARKUP = "[bold red]rood[/bold red][link=http://127.0.0.1:9]hier[/link]"
FILE = f"ontmoetingsplekken_{SQL.replace('/', '')} {ESCAPE}[31mrood{TURNED} <img src=x onerror=alert(1)> {MARKUP}.csv"
FILE = FILE.replace("/", "")
ROWS = (
    "Heiloo;2017;Buurthuis;12",
    f'"{FORMULA.replace(chr(34), chr(34) * 2)}";2017;Buurthuis;9',
    f"{SQL.replace(';', '')};2017;Buurthuis;8",
    f"Uitgeest;2017;{SCRIPT};7",
    f"Uitgeest;2017;{ESCAPE}]0titel\x07{ESCAPE}[2J{TURNED};6",
    f"Castricum;2017;Speeltuin;{MARKUP}",
    "Uitgeest;2017;@SUM(1+1)*cmd|' /C calc'!A0;5",
    "Uitgeest;2017;-2+3;4",
)
_SIGNS = tuple("=+-@＝＋－＠")


# -- a whole run on a hostile delivery -----------------------------------------------------------------


@dataclass
class Attacked:
    """A finished run on a delivery and a declaration that attack in every field."""

    workspace: Workspace
    printed: str
    messages: list[dict[str, Any]]


@pytest.fixture(scope="module")
def attacked(sample_run: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attacked]:
    workspace = copy_of(sample_run, tmp_path_factory.mktemp("attacked"))
    how_to = (PROJECT_ROOT / "docs" / "add-a-source.md").read_text(encoding="utf-8")
    found = re.search(r"^`(sources/[^`]+\.yml)`:\n\n```yaml\n(.*?)^```", how_to, re.MULTILINE | re.DOTALL)
    assert found
    declared = yaml.safe_load(found[2])
    (indicator,) = declared["indicators"]
    indicator["label_nl"] = f"{FORMULA} {SCRIPT}"
    indicator["description_nl"] = f"@{SQL} {SCRIPT}"
    declared["title"] = f"+{SQL}"
    declared["reader"]["columns"][2].pop("allowed")
    # A name of a column is a person's own choice, but goes into SQL all the same.
    declared["reader"]["columns"][2]["name"] = COLUMN
    declared["reader"]["key"][2] = COLUMN
    declared["reader"]["item_columns"] = [COLUMN]
    (workspace.root / found[1]).write_text(yaml.safe_dump(declared, allow_unicode=True), encoding="utf-8")
    rows = "\r\n".join(("Gemeente;Jaar;Soort;Aantal", *ROWS))
    (workspace.sample / "municipal" / FILE).write_text(f"{rows}\r\n", encoding="utf-8")
    with local_server(None, {}) as (port, received):
        workspace.config = (
            f'[[channels]]\nname = "hook"\nkind = "webhook"\nurl = "http://127.0.0.1:{port}/x"\n'
            '[[channels]]\nname = "file"\nkind = "file"\n[[channels]]\nname = "console"\nkind = "console"\n'
        )
        outcome = workspace.command("run")
        assert outcome.returncode == 1, outcome.stdout + outcome.stderr
        yield Attacked(workspace, outcome.stdout + outcome.stderr, list(received))


whole_run = pytest.mark.xdist_group("attacked")


@whole_run
def test_the_run_loads_what_is_good_and_keeps_the_rest_to_the_letter(attacked: Attacked) -> None:
    workspace = attacked.workspace
    assert workspace.rows(
        "select region_code, value from marts.observation where indicator_id = 'buurthuizen' order by all"
    ) == [("GM0399", 12.0)]
    assert workspace.value("select count(*) from marts.observation") > 20_000
    refused = workspace.rows("select line, raw_text from marts.quarantine where source_id = 'ontmoetingsplekken'")
    kept = dict(refused)
    assert sorted(kept) == [3, 4, 7]
    assert FORMULA in kept[3].replace('""', '"')
    assert "drop schema marts cascade" in kept[4]
    assert workspace.value("select distinct file from marts.quarantine where source_id = 'ontmoetingsplekken'") == FILE
    assert workspace.value("select label_nl from marts.indicator where indicator_id = 'buurthuizen'").startswith("=HYP")


@whole_run
def test_nothing_is_made_but_in_its_own_folders(attacked: Attacked) -> None:
    workspace = attacked.workspace
    of_the_run_before = {"seconds.txt", "summary.txt"}
    found = {path.name for path in workspace.root.iterdir()} - of_the_run_before
    assert found == {"sources", "data", "nulmeting.toml"}
    kept = workspace.data / "raw" / "ontmoetingsplekken"
    assert [path.name for path in kept.iterdir() if not path.name.startswith(".")] == [FILE]
    # Owned and readable by the one who runs; published for the others.
    modes = {path.name: path.stat().st_mode & 0o077 for path in workspace.data.iterdir()}
    assert {name for name, mode in modes.items() if mode} <= {"published", "data_docs"}
    assert {"raw", "warehouse.duckdb", "alerts", "logs", "runs"} <= {name for name, mode in modes.items() if not mode}


@whole_run
def test_no_terminal_obeys_what_is_printed(attacked: Attacked) -> None:
    command = attacked.workspace.command
    printed = {"run": attacked.printed}
    for name, arguments in {
        "sql": ("sql", "from marts.quarantine"),
        "sql csv": ("sql", "from marts.quarantine", "--format", "csv"),
        "sql json": ("sql", "from marts.quarantine", "--format", "json"),
        "check": ("check", str(attacked.workspace.sample / "municipal" / FILE)),
    }.items():
        outcome = command(*arguments)
        printed[name] = outcome.stdout + outcome.stderr
        assert "Traceback" not in printed[name]
    for name, text in printed.items():
        assert len(text) > 100
        assert re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text) is None, name
    # What looks like markup of the terminal library is text as well.
    assert "[bold red]rood" in printed["run"]
    # And JSON still says what there was.
    assert FILE in {
        row["file"] for row in json.loads(command(*("sql", "from marts.quarantine", "--format", "json")).stdout)
    }


@whole_run
def test_pages_and_mails_hold_no_markup_of_others(attacked: Attacked) -> None:
    pages = {path.name: path.read_text("utf-8") for path in (attacked.workspace.data / "data_docs").glob("*.html")}
    mails = [message["html"] for message in attacked.messages]
    assert len(pages) > 5
    assert mails
    hostile = ("<script>alert", "<img src=x", "onerror=alert(1)>")
    for text in (*pages.values(), *mails):
        assert [part for part in hostile if part in text] == []
    # It is there, as text.
    assert any("&lt;script&gt;alert(1)" in page for page in pages.values())
    told = json.dumps(attacked.messages, ensure_ascii=False)
    assert re.search("[\x7f-\x9f\u202a-\u202e]|\\\\u001b", told) is None


@whole_run
@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_no_export_runs_a_formula_and_numbers_stay(attacked: Attacked, form: str, tmp_path: Path) -> None:
    tables = ("quarantine", "indicator", "observation", "delivery", "source")
    outcome = attacked.workspace.command("export", *tables, "--format", form, "--out", str(tmp_path))
    assert outcome.returncode == 0, outcome.stderr
    if form == "xlsx":
        book = openpyxl.load_workbook(tmp_path / "nulmeting.xlsx", read_only=True)
        cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None]
        assert {cell.data_type for cell in cells} <= {"s", "n", "d", "b"}
        shown = [cell.value for cell in cells if isinstance(cell.value, str) and cell.value.startswith("=")]
        assert f"{FORMULA} {SCRIPT}" in shown
        return
    for path in tmp_path.glob("*.csv"):
        text = path.read_bytes().decode("utf-8-sig")
        for separator in (";", ",", "\t"):
            for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator):
                assert [cell for cell in row if _would_run(cell)] == [], path.name
    negative = attacked.workspace.value("select count(*) from marts.observation where value < 0")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "observation.csv").read_text("utf-8-sig")), delimiter=";"))
    assert sum(row["value"].startswith("-") for row in rows) == negative
    assert not any(row["value"].startswith("'") for row in rows)


def _would_run(cell: str) -> bool:
    try:
        float(cell.replace(",", "."))
    except ValueError:
        return cell.lstrip(' \t\r\n"\u00a0\u200b\ufeff').startswith(_SIGNS)
    return False


@whole_run
def test_a_query_reaches_nothing_but_the_published_file(attacked: Attacked, tmp_path: Path) -> None:
    secret = tmp_path / "geheim.csv"
    secret.write_text("a\n1\n")
    target = tmp_path / "x"
    for query in (
        f"from '{secret}'",
        f"from read_text('{secret}')",
        f"copy (select 1) to '{target}'",
        f"attach '{target}.duckdb' as x",
        "install httpfs",
        "set enable_external_access = true",
        "drop table marts.observation",
        "create macro marts.x() as 1",
        f"export database '{target}'",
    ):
        outcome = attacked.workspace.command("sql", f"{query}; select 1")
        assert outcome.returncode == 2, query
        assert outcome.stderr.startswith("nulmeting: "), query
    assert sorted(path.name for path in tmp_path.iterdir()) == ["geheim.csv"]


# -- names that lead elsewhere -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "..", "/etc/passwd", "a/b", "a\\b", "%2e%2e%2f", "C:x", f"a{ESCAPE}[2J", "a\0b", ""]
)
def test_a_table_of_cbs_is_no_path(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with ReplayServer({}) as server:
        for variable in ("CBS_V4_URL", "CBS_V3_URL", "CBS_V3_THIRD_URL"):
            monkeypatch.setenv(f"NULMETING_{variable}", server.base_url)
        monkeypatch.setattr(sys, "argv", ["nulmeting", "pull", "cbs", "--data-dir", str(tmp_path / "data"), "--", name])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        assert (ended.value.code, server.requests) == (2, [])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("field", "value"), [("source_id", "../../elders"), ("source_id", "x'; drop table y; --")])
def test_a_source_is_no_path_and_no_sql(workspace: Workspace, field: str, value: str) -> None:
    path = workspace.sources / "municipal" / "budget_heemskerk.yml"
    declared = {**yaml.safe_load(path.read_text("utf-8")), field: value}
    path.write_text(yaml.safe_dump(declared, allow_unicode=True), encoding="utf-8")
    with pytest.raises(DeclarationError, match=field):
        load_declarations(workspace.sources, "sample")


@pytest.mark.parametrize("folder", ["../..", "/etc", "municipal/../../.."])
@pytest.mark.parametrize("as_pattern", [False, True])
def test_a_declaration_leads_nowhere_but_below_the_drop_folder(tmp_path: Path, folder: str, as_pattern: bool) -> None:
    named = {"pattern": f"{folder}/*.csv"} if as_pattern else {"folder": folder, "pattern": "*.csv"}
    with pytest.raises(SetupError, match="expected a folder and pattern below"):
        find_deliveries(tmp_path, FolderConnector(kind="folder", **named))


def test_a_folder_in_the_drop_folder_that_is_a_link_to_elsewhere_holds_no_deliveries(tmp_path: Path) -> None:
    drop, elsewhere = tmp_path / "drop", tmp_path / "elders"
    for folder in (drop, elsewhere):
        folder.mkdir()
        (folder / "a.csv").write_text("x")
    (drop / "map").symlink_to(elsewhere, target_is_directory=True)
    (drop / "sub").mkdir()
    (drop / "sub" / "omhoog").symlink_to("../..", target_is_directory=True)
    found = find_deliveries(drop, FolderConnector(kind="folder", pattern="**/*.csv"))
    assert found == [drop / "a.csv"]


def test_members_of_a_zip_file_are_never_written_where_they_say(tmp_path: Path) -> None:
    hostile = {"../../outside.csv": "x", "/srv/outside.csv": "x", "..\\outside.csv": "x", "a/../../b.csv": "x"}
    with (
        BulkServer({TABLE: bulk_file(small_table(TABLE), hostile)}) as server,
        open_client(server.base_url, retry=QUICK) as client,
    ):
        fetched = fetch_bulk(client, TABLE, tmp_path / "deep" / "into")
    assert fetched.rows == 6
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [tmp_path / "deep" / "into" / f"{TABLE}.zip"]


def test_the_draft_for_an_unknown_file_holds_headers_as_text_and_nothing_else(tmp_path: Path) -> None:
    injected = 'Jaar", type: text}\n  - {evil: "x'
    path = tmp_path / "onbekend.csv"
    with path.open("w", newline="") as file:
        csv.writer(file, delimiter=";").writerows(
            [["Gemeente", injected, f"Aantal{ESCAPE}[2J", "!!python/object/apply:os.system ['x']"]]
            + [["Heiloo", "2017", str(number), "a"] for number in range(20)]
        )
    outcome = CliRunner().invoke(cli.app, ["check", str(path)])
    assert outcome.exit_code == 2
    assert ESCAPE not in outcome.output
    drafted = outcome.output[outcome.output.index("source_id:") :]
    declared = yaml.safe_load(drafted)
    assert set(declared) <= {
        *("source_id", "title", "publisher", "licence", "cadence", "not_expected_because", "profiles", "origin"),
        *("connector", "reader"),
    }
    assert "evil" not in {key for column in declared["reader"]["columns"] for key in column}


# -- XML that includes what it should not --------------------------------------------------------------


def test_no_inclusion_is_ever_followed(tmp_path: Path) -> None:
    secret = tmp_path / "geheim.txt"
    secret.write_text("Zandstraat-geheim")
    include = (
        f'<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="{secret.as_uri()}" parse="text">'
        "<xi:fallback>niets</xi:fallback></xi:include>"
    )
    style = f'<?xml-stylesheet type="text/xsl" href="{secret.as_uri()}"?>'
    message = corpus_istandaard._one()
    root = message.index("<wmo301:Bericht")
    schema = f'xsi:schemaLocation="urn:x {secret.as_uri()}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
    messages = {
        "an inclusion": message.replace("<wmo301:Header>", f"{include}<wmo301:Header>"),
        "a style sheet": f"{message[:root]}{style}{message[root:]}",
        "a schema": message.replace("<wmo301:Bericht ", f"<wmo301:Bericht {schema}", 1),
    }
    book = corpus_xlsx.made(corpus_xlsx.GOOD)
    books = {
        "an inclusion": corpus_xlsx.patched(
            book, {corpus_xlsx.SHEET: corpus_xlsx.replaced("<sheetData>", f"{include}<sheetData>")}
        ),
        "an inclusion in a cell": corpus_xlsx.patched(
            book, {corpus_xlsx.SHEET: corpus_xlsx.replaced("<t>Heiloo</t>", f"<t>{include}</t>")}
        ),
    }
    cases = [corpus_istandaard._case(name, text, "loads") for name, text in messages.items()] + [
        corpus_xlsx._good(name, data) for name, data in books.items()
    ]
    for case in cases:
        assert case.data != message.encode() and case.data != book, case.name
        lookup, key = (
            (corpus_istandaard.REGIONS, corpus_istandaard.KEY) if case.file_name.endswith(".xml") else (None, None)
        )
        screened = read_case(case, lookup, key) if lookup else read_case(case)
        told = f"{screened.result.rows.to_pylist()}{screened.result.problems}{screened.in_place_of_bytes}"
        assert "Zandstraat-geheim" not in told, case.name


# -- small files that are large ------------------------------------------------------------------------

_READ_WITHIN_LIMITS = """
import resource, sys
from tests.integration.test_attacks import HEAVY
make, read = HEAVY[sys.argv[1]]
data = make()
# Beside what the libraries take by themselves.
taken = next(int(line.split()[1]) * 1024 for line in open("/proc/self/status") if line.startswith("VmSize:"))
resource.setrlimit(resource.RLIMIT_AS, (taken + 768 * 1024**2,) * 2)
used = resource.getrusage(resource.RUSAGE_SELF)
resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime) + 60,) * 2)
print(read(data))
"""


def _one_body_many_times() -> bytes:
    """A workbook whose list of parts names the same packed bytes again and again: 60 MB of 64 kB each time."""
    body = bytes(60 * 1024**2)
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as package:
        for name, content in _parts(corpus_xlsx.made(corpus_xlsx.GOOD)).items():
            package.writestr(name, content)
        package.writestr("xl/media/0.bin", body)
        original = package.getinfo("xl/media/0.bin")
        for number in range(1, 200):
            copy = zipfile.ZipInfo(f"xl/media/{number}.bin")
            for field in ("CRC", "compress_size", "file_size", "header_offset", "compress_type"):
                setattr(copy, field, getattr(original, field))
            package.filelist.append(copy)
    return made.getvalue()


def _parts(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        return {name: package.read(name) for name in package.namelist()}


def _bulk(name: str, content: bytes, said: int | None = None) -> bytes:
    """A bulk file of CBS with one more member, of which the package may say another size."""
    made = io.BytesIO(bulk_file(small_table(TABLE)))
    with zipfile.ZipFile(made, "a", zipfile.ZIP_DEFLATED) as package:
        package.writestr(name, content)
    data = bytearray(made.getvalue())
    if said is not None:
        at = data.rindex(b"PK\x01\x02", 0, data.rindex(name.encode()))
        data[at + 24 : at + 28] = said.to_bytes(4, "little")
    return bytes(data)


def _nested() -> bytes:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("Observations.csv", bytes(512 * 1024**2))
    return _bulk("binnen.zip", inner.getvalue())


def _read_bulk(data: bytes) -> str:
    import tempfile

    with (
        BulkServer({TABLE: data}) as server,
        open_client(server.base_url, retry=QUICK) as client,
        tempfile.TemporaryDirectory() as into,
    ):
        try:
            return f"{fetch_bulk(client, TABLE, Path(into)).rows} rows"
        except SourceError as error:
            return f"refused: {error.cause}"


def _read_book(data: bytes) -> str:
    screened = read_case(corpus_xlsx._good("een bom", data))
    return "; ".join(["refused" if screened.result.refused else "loads", *map(str, screened.result.problems)])


def _cells(*texts: str) -> Callable[[], bytes]:
    """A delivery with these texts as region, year and amount in turn, after one good row."""
    good = ("Castricum", "2016", "10")
    rows = [
        good,
        *(tuple(text if at == place else good[at] for at in range(3)) for text in texts for place in range(3)),
    ]
    data = "\n".join(("Gemeente;Jaar;Bedrag", *(";".join(row) for row in rows), "")).encode()
    return lambda: data


def _read_text(data: bytes) -> str:
    screened = read_case(corpus_text._good("een aanval", data))
    return f"{screened.result.rows_loaded} of {screened.result.rows_in}"


# Where a pattern could go back and forth without end.
_SLOW = tuple(
    text
    for size in (100, 50_000)
    for text in (
        "1" * size,
        "1" * size + "x",
        "1." * size,
        "1.111" * (size // 5) + ".",
        "-" * size,
        "+-" * size,
        " " * size + "x",
        "\u00a0 " * size + "1",
        "2016" * size,
        "2016-" * size,
        "2016" + " " * size + "kwartaal",
        "(" * size,
        "a" * size + "!",
        "Q" * size + "1",
        "1e" + "9" * size,
        "0." + "0" * size + "1",
    )
)
HEAVY: dict[str, tuple[Callable[[], bytes], Callable[[bytes], str]]] = {
    "one body under two hundred names in a workbook": (_one_body_many_times, _read_book),
    "half a gigabyte in a bulk file": (lambda: _bulk("Extra.csv", bytes(512 * 1024**2)), _read_bulk),
    "half a gigabyte said to be a kilobyte": (lambda: _bulk("Extra.csv", bytes(512 * 1024**2), 1024), _read_bulk),
    "a package in a bulk file": (_nested, _read_bulk),
    "numbers, periods and names without end": (_cells(*_SLOW), _read_text),
}
_EXPECTED = {
    "one body under two hundred names in a workbook": "refused",
    "half a gigabyte in a bulk file": "refused: ",
    "half a gigabyte said to be a kilobyte": "refused: ",
    "a package in a bulk file": "6 rows",
    "numbers, periods and names without end": "",
}


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="limits on memory are those of Linux")
@pytest.mark.parametrize("name", HEAVY)
def test_a_small_file_takes_little_memory_and_time(name: str) -> None:
    finished = subprocess.run(
        [sys.executable, "-c", _READ_WITHIN_LIMITS, name],
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert finished.returncode == 0, finished.stderr[-2000:]
    assert finished.stdout.startswith(_EXPECTED[name]), finished.stdout


# -- a publisher that attacks --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        b"[" * 200_000 + b"]" * 200_000,
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        b'{"Identifier": "00001ned", "ObservationCount": ' + b"9" * 10_000 + b"}",
        b'{"Identifier": "00001ned", "ObservationCount": 1e999}',
        b'{"Identifier": "00001ned", "ObservationCount": NaN}',
        b'{"Identifier": {"a": 1}}',
        b'"\\ud800"',
    ],
    ids=["lists", "objects", "digits", "infinite", "nan", "an object for a text", "half a sign"],
)
def test_an_answer_that_no_publisher_gives_is_one_clear_error(answer: bytes) -> None:
    with ReplayServer({TABLE: small_table(TABLE)}) as server, open_client(server.base_url, retry=QUICK) as client:
        server.fail("Properties", *[replacing(answer)] * QUICK.attempts)
        with pytest.raises(SourceError) as told:
            fetch_properties(client, TABLE)
    assert len(str(told.value)) < 1000


@pytest.mark.parametrize(
    "link",
    [
        "file:///etc/passwd",
        "file://{trap}/{table}/Observations?$skip=3",
        "http://{trap}/odata/v1/CBS/{table}/Observations?$skip=3",
        "//{trap}/{table}/Observations?$skip=3",
        "http://user:secret@{trap}/{table}/Observations?$skip=3",
        "gopher://{trap}/{table}/Observations?$skip=3",
        "http://[/{table}/Observations?$skip=3",
        "{table}/Observations?$skip=3&x=\r\nHost:%20elders",
        "https://datasets.cbs.nl/odata/v1/CBS/{table}/../../../etc/passwd",
    ],
)
def test_a_link_to_the_next_page_leads_nowhere_else(link: str, tmp_path: Path) -> None:
    pages = small_table(TABLE, page_size=3)
    with (
        local_server(None, {}) as (port, trapped),
        ReplayServer({TABLE: pages}) as server,
        open_client(server.base_url, retry=QUICK) as client,
    ):
        document = json.loads(pages["Observations"])
        document["@odata.nextLink"] = link.format(trap=f"127.0.0.1:{port}", table=TABLE)
        server.tables = {TABLE: pages | {"Observations": json.dumps(document).encode()}}
        try:
            fetched = fetch_table(client, CbsV4Connector(kind="cbs_v4", table=TABLE), tmp_path / "into")
        except SourceError as error:
            assert TABLE in str(error)
        else:
            # Of the link only the query was used, under the publisher's own address.
            assert fetched.rows == 6
        assert trapped == []
        assert {request.path.split("/")[4] for request in server.requests} == {TABLE}


@pytest.mark.parametrize("target", ["http://{trap}/x", "file:///etc/passwd", "//{trap}/x"])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(target: str, status: int) -> None:
    with (
        local_server(None, {}) as (port, trapped),
        ReplayServer({TABLE: small_table(TABLE)}) as server,
        open_client(server.base_url, retry=QUICK) as client,
    ):
        server.fail("Properties", refusing(status, {"Location": target.format(trap=f"127.0.0.1:{port}")}))
        with pytest.raises(SourceError, match="which is not followed"):
            fetch_properties(client, TABLE)
        assert (trapped, len(server.requests)) == ([], 1)
