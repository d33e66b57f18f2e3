"""The command line as a municipality uses it: exit codes, messages, and what is left untouched by mistakes."""

from __future__ import annotations

import csv
import errno
import io
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from pipelines.main_job import FAILED, RunSummary, run_main_job
from pipelines.settings import PROJECT_ROOT, SetupError
from pipelines.warehouse.connection import connect
from tests.integration.conftest import Workspace, copy_of

pytestmark = pytest.mark.xdist_group("command_line")

Completed = subprocess.CompletedProcess[str]
BAD_ROW = 'finance_buch_2016.csv:2:4 (Bedrag in €): found "veel", expected a number like 1.234.567,89'


@dataclass
class Finished:
    """A workspace after a whole run in which one row of one delivery was wrong."""

    workspace: Workspace
    run: Completed

    @property
    def manifest(self) -> bytes:
        return (self.workspace.data / "published" / "manifest.json").read_bytes()

    @property
    def messages(self) -> set[str]:
        return {path.name for path in self.workspace.data.joinpath("alerts").glob("*.txt")}


def _workspace(root: Path) -> Workspace:
    shutil.copytree(PROJECT_ROOT / "sources", root / "sources")
    return Workspace(root)


@pytest.fixture(scope="module")
def finished(sample_run: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    workspace = copy_of(sample_run, tmp_path_factory.mktemp("finished"))
    path = workspace.sample / "municipal" / "finance_buch_2016.csv"
    path.write_bytes(path.read_bytes().replace(b"3.224.000,00", b"veel", 1))
    return Finished(workspace, workspace.command("run"))


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace in which nothing was ever run."""
    return _workspace(tmp_path_factory.mktemp("untouched"))


def _with(workspace: Workspace, *arguments: str, config: str | None = None, **variables: str) -> Completed:
    """The command line with another configuration or other variables."""
    environment = workspace.environment() | variables
    if config is not None:
        named = workspace.root / "other.toml"
        named.write_text(config, encoding="utf-8")
        environment["NULMETING_CONFIG"] = str(named)
    return subprocess.run(
        [sys.executable, "-c", "from pipelines.cli import main; main()", *arguments],
        cwd=workspace.root,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def _said(outcome: Completed, code: int) -> str:
    """The only line of a command that stopped with this exit code."""
    assert outcome.returncode == code, outcome.stdout + outcome.stderr
    assert outcome.stdout == ""
    (line,) = outcome.stderr.splitlines()
    assert line.startswith("nulmeting: ")
    return line.removeprefix("nulmeting: ")


# Answering at once


def test_the_command_line_imports_nothing_heavy() -> None:
    heavy = ["dagster", "dbt", "great_expectations", "pandas", "polars", "duckdb", "pyarrow", "numpy", "scipy", "httpx"]
    script = f"import sys, pipelines.cli; print([name for name in {heavy} if name in sys.modules])"
    outcome = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert outcome.stdout.strip() == "[]"


def test_help_answers_in_under_a_second_and_explains_a_selection(untouched: Workspace) -> None:
    assert _with(untouched, "--help").returncode == 0
    used = []
    for _ in range(3):
        before = os.times()
        outcome = _with(untouched, "run", "--help", COLUMNS="200", TERM="dumb")
        after = os.times()
        # The time of this process's own children: another test may have the other core.
        used.append(after.children_user + after.children_system - before.children_user - before.children_system)
    assert min(used) < 1
    assert outcome.returncode == 0
    assert 'key:"marts/coverage"' in outcome.stdout and "published/nulmeting" in outcome.stdout


# Wrong use and wrong set-up: exit code 2, one line, nothing made


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("run", "--today", "2026-13-01"), "--today: found 2026-13-01, expected a date like 2026-07-01"),
        (("run", "--profile", "prod"), "--profile (profile): found 'prod', expected 'sample' or 'live'"),
        (("sql", "select 1", "--format", "xml"), "--format: found xml, expected table, csv or json"),
        (("check", "x.csv", "--as", "niets"), "--as: found niets, expected one of budget_heemskerk, ceo_wmo,"),
        (("check", "weg.csv"), "weg.csv: found no such file, expected a delivery"),
        (("sql", "select 1"), "nothing has been published yet; run `nulmeting run` first"),
    ],
)
def test_wrong_use_is_one_line(untouched: Workspace, arguments: tuple[str, ...], said: str) -> None:
    assert said in _said(_with(untouched, *arguments), 2)
    assert not untouched.data.exists()


@pytest.mark.parametrize("arguments", [("run", "--bogus"), ("nosuch",), ("check",), ("sql",)])
def test_what_typer_refuses_has_exit_code_2_too(untouched: Workspace, arguments: tuple[str, ...]) -> None:
    outcome = _with(untouched, *arguments)
    assert outcome.returncode == 2 and "Traceback" not in outcome.stderr


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ('profle = "live"', "other.toml: found an unknown key profle, expected one of profile, data_dir,"),
        ("x = ", "other.toml: not valid TOML: Invalid value (at end of document)"),
        ("keep_publications = 0", "other.toml (keep_publications): found 0, expected greater than or equal to 1"),
        ('[[channels]]\nname = "x"\nkind = "duif"', "other.toml (channels.0.kind): found 'duif', expected 'console',"),
        (
            '[[channels]]\nname = "x"\nkind = "file"\npad = 1',
            "found an unknown key channels.0.pad, expected one of name,",
        ),
        ("drop_dir = [1]", "other.toml (drop_dir): found [1], expected"),
    ],
)
def test_a_broken_configuration_is_named_with_its_key(untouched: Workspace, config: str, said: str) -> None:
    assert said in _said(_with(untouched, "run", config=config), 2)


@pytest.mark.parametrize("command", [("sql", "select 1"), ("check", "x.csv"), ("dev",)])
def test_every_command_refuses_a_broken_configuration(untouched: Workspace, command: tuple[str, ...]) -> None:
    said = _said(_with(untouched, *command, config="[[channels]]"), 2)
    assert said.endswith("other.toml (channels.0.name): Field required")


def test_a_configuration_that_is_no_text_is_told(untouched: Workspace) -> None:
    path = untouched.root / "binary.toml"
    path.write_bytes(b"\xff\xfe")
    said = _said(_with(untouched, "run", NULMETING_CONFIG=str(path)), 2)
    assert said.endswith("binary.toml: not valid TOML: found byte 0xff, expected UTF-8")


def test_a_wrong_variable_is_named(untouched: Workspace) -> None:
    assert _said(_with(untouched, "run", NULMETING_TODAY="gisteren"), 2).startswith(
        "NULMETING_TODAY (today): found 'gisteren', expected a valid date"
    )


def test_a_broken_declaration_is_named_with_line_and_column(tmp_path: Path) -> None:
    workspace = _workspace(tmp_path)
    path = workspace.sources / "municipal" / "ceo_wmo.yml"
    path.write_text(path.read_text(encoding="utf-8").replace("cadence: yearly", "cadence: vaak"), encoding="utf-8")
    place = "sources/municipal/ceo_wmo.yml:7:10 (cadence): found 'vaak', expected one of 'monthly',"
    assert _said(workspace.command("run"), 2).startswith(place)
    assert _said(workspace.command("check", "x.csv"), 2).startswith(place)
    outcome = workspace.command("doctor")
    assert outcome.returncode == 2 and f"NOK declarations: {place}" in outcome.stdout


def test_missing_declarations_are_told_with_their_folder(untouched: Workspace) -> None:
    for command in (("run",), ("check", "x.csv")):
        said = _said(_with(untouched, *command, NULMETING_SOURCES_DIR="/bestaat/niet"), 2)
        assert said == "/bestaat/niet: found no such folder, expected the declarations in it"
    outcome = _with(untouched, "doctor", NULMETING_SOURCES_DIR="/bestaat/niet")
    assert outcome.returncode == 2 and "NOK declarations" in outcome.stdout and "Traceback" not in outcome.stderr


def test_a_data_directory_that_cannot_be_written_is_wrong_set_up(untouched: Workspace) -> None:
    file = untouched.root / "een_bestand"
    file.touch()
    for place in (file, file / "daaronder"):
        assert _said(_with(untouched, "run", "--data-dir", str(place)), 2).startswith(f"{place}: cannot be written")
        outcome = _with(untouched, "doctor", "--data-dir", str(place))
        assert outcome.returncode == 2 and f"NOK data: {place}: cannot be written" in outcome.stdout


# What a run prints


def test_a_run_with_a_wrong_row_ends_with_1_and_accounts_for_every_row(finished: Finished) -> None:
    assert finished.run.returncode == 1, finished.run.stderr
    lines = finished.run.stdout.splitlines()
    assert re.fullmatch(
        r"Nulmeting · profiel sample · \d+ s · gepubliceerd, met 1 probleem in 1 levering", lines[0].strip()
    )
    assert re.fullmatch(r"levering +rijen = geladen \+ geen cijfer \+ quarantaine  bron", lines[1])
    number = r"([0-9.]+)"
    row = rf"(\d+ leveringen|\S+) +{number} = +{number} \+ +{number} \+ +{number}(?: |$)"
    rows = [re.match(row, line) for line in lines]
    counts = {found[1]: [int(cell.replace(".", "")) for cell in found.groups()[1:]] for found in rows if found}
    assert counts["finance_buch_2016.csv"] == [44, 39, 4, 1]
    assert len(counts) == 32
    for rows_in, loaded, no_data, quarantined in counts.values():
        assert rows_in == loaded + no_data + quarantined
    total = counts.pop("samen")
    assert total == [sum(column) for column in zip(*counts.values(), strict=True)]
    assert f"  {BAD_ROW}" in lines


def test_a_run_names_where_to_look_and_its_log_tells_the_steps(finished: Finished) -> None:
    log = _log_of(finished.run.stdout, finished.workspace)
    text = log.read_text(encoding="utf-8")
    for step in ("raw__finance_buch", "core_models", "marts_expectations", "published__nulmeting"):
        assert f"INFO    {step}: " in text
    assert "WARNING raw__finance_buch: finance_buch_2016.csv:2:4" in text
    assert "ERROR" not in text
    assert "data/published/nulmeting.duckdb" in finished.run.stdout


def _log_of(printed: str, workspace: Workspace) -> Path:
    found = re.search(r"^Logboek +(data/logs/[0-9a-f-]{36}\.log)$", printed, re.MULTILINE)
    assert found, printed
    return workspace.root / found[1]


# Querying


def test_a_query_gives_a_table_csv_or_json(finished: Finished) -> None:
    query = "select region_code, clients_per_1000 from marts.provision_use where region_code = 'GM0383' " + (
        "and provision = 'hulp_bij_het_huishouden'"
    )
    ask = finished.workspace.command
    assert ask("sql", query).stdout.splitlines()[2:] == ["GM0383       25", "(1 rij)"]
    assert list(csv.DictReader(io.StringIO(ask("sql", query, "--format", "csv").stdout))) == [
        {"region_code": "GM0383", "clients_per_1000": "25"}
    ]
    assert json.loads(ask("sql", query, "--format", "json").stdout) == [
        {"region_code": "GM0383", "clients_per_1000": 25.0}
    ]
    assert json.loads(ask("sql", "select 1 as a, 2 as a, 1 / 0 as b", "--format", "json").stdout) == [
        {"a": 1, "a_2": 2, "b": None}
    ]
    assert ask("sql", "select 1 as a, 2 as a").stdout.splitlines()[2:] == ["1  2", "(1 rij)"]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("from marts.bestaatniet", "Catalog Error: Table with name bestaatniet does not exist!"),
        ("selecteer alles", "Parser Error: syntax error at or near"),
        ("", "found no statement, expected SQL such as: from marts.coverage"),
        ("drop table marts.coverage", "Cannot execute statement of type"),
        ("copy marts.coverage to 'weg.csv'", "Permission Error"),
        ("from read_csv('/etc/passwd')", "Permission Error"),
    ],
)
def test_a_wrong_query_is_one_line_and_exit_code_2(finished: Finished, query: str, said: str) -> None:
    assert said in _said(finished.workspace.command("sql", query), 2)


# Checking deliveries


def _malformed(folder: Path) -> dict[str, tuple[bytes, str]]:
    good = (PROJECT_ROOT / "sources" / "sample" / "municipal" / "finance_buch_2016.csv").read_bytes()
    rows = good.splitlines(keepends=True)
    without = [row.rsplit(b";", 1)[0] + b"\r\n" if b";" in row else row for row in rows]
    return {
        "finance_buch_codering.csv": (
            good.decode("windows-1252").encode(),
            ":1:26: found a UTF-8 sequence; the file reads as utf-8, expected text in",
        ),
        "finance_buch_gemeente.csv": (
            good.replace(b"Heiloo", b"Heilo", 1),
            ':5:1 (Gemeente): found "Heilo", expected the name',
        ),
        "finance_buch_getal.csv": (
            good.replace(b"3.224.000,00", b"veel"),
            ':2:4 (Bedrag in €): found "veel", expected a number',
        ),
        "finance_buch_kolom.csv": (b"".join(without), ':1 (Bedrag in €): found the headers "Gemeente", "Boekjaar",'),
        "finance_buch_dubbel.csv": (
            good.replace(rows[1], rows[1] * 2),
            ":2:1 (Gemeente): found the same key on lines 2, 3, expected",
        ),
        "finance_buch_leeg.csv": (b"", ": found a file of 0 bytes, expected rows with data"),
    }


def test_check_names_every_problem_of_six_malformed_files_and_loads_nothing(untouched: Workspace) -> None:
    folder = untouched.root / "te_sturen"
    folder.mkdir()
    expected = _malformed(folder)
    for name, (content, _) in expected.items():
        (folder / name).write_bytes(content)
    good = untouched.sample / "municipal" / "ceo_wmo_2015.xlsx"
    outcome = untouched.command("check", str(good), *(str(folder / name) for name in expected))
    assert (outcome.returncode, outcome.stderr) == (1, "")
    lines = outcome.stdout.splitlines()
    assert lines[0] == "ceo_wmo_2015.xlsx als ceo_wmo: 8 rijen in = 5 te laden + 3 zonder cijfer + 0 in quarantaine"
    for name, (_, said) in expected.items():
        told = [line for line in lines if line.startswith(name + ":")]
        assert told and told[0].startswith(name + said), told
        verdict = next(line for line in lines if line.startswith(f"{name} als finance_buch: "))
        rows_in, loaded, no_data, quarantined = map(int, re.findall(r"\d+", verdict.partition(": ")[2]))
        assert rows_in == loaded + no_data + quarantined and quarantined > 0
    assert untouched.command("check", str(good)).returncode == 0
    assert not untouched.data.exists()


def test_check_says_when_no_declaration_or_more_fit_and_goes_on(untouched: Workspace) -> None:
    odd = untouched.root / "raar.csv"
    odd.write_text("a;b\n1;2\n", encoding="utf-8")
    good = untouched.sample / "municipal" / "ceo_wmo_2015.xlsx"
    outcome = untouched.command("check", str(odd), str(good))
    assert outcome.returncode == 2
    assert outcome.stdout.startswith("# raar.csv: tekens utf-8; gescheiden door puntkomma's; kop op regel 1.")
    assert "\nceo_wmo_2015.xlsx als ceo_wmo: 8 rijen in" in outcome.stdout
    assert outcome.stderr.startswith("nulmeting: raar.csv: found a name and a header that fit no declared source")
    assert "--as (budget_heemskerk, ceo_wmo, circulaire_ijmond, finance_buch, " in outcome.stderr


# Doctor


def test_doctor_is_content_with_a_finished_run(finished: Finished) -> None:
    outcome = finished.workspace.command("doctor")
    assert outcome.returncode == 0, outcome.stdout
    assert all(line.startswith("ok ") for line in outcome.stdout.splitlines())
    assert "ok  published: " in outcome.stdout and "checksums hold" in outcome.stdout


def test_doctor_names_what_is_wrong_and_never_an_address(untouched: Workspace, tmp_path: Path) -> None:
    config = '[[channels]]\nname = "mail"\nkind = "apprise"\nurl_env = "GEHEIM"\n'
    outcome = _with(untouched, "doctor", config=config, GEHEIM="geheim wachtwoord")
    assert outcome.returncode == 2
    assert "NOK channel mail: " in outcome.stdout and "geheim wachtwoord" not in outcome.stdout + outcome.stderr
    live = _with(untouched, "doctor", "--profile", "live", NULMETING_CBS_V4_URL="http://127.0.0.1:9/CBS")
    assert live.returncode == 2
    assert "NOK publisher: http://127.0.0.1:9/CBS: no answer (ConnectError)" in live.stdout


def test_doctor_sees_a_published_file_that_was_changed(finished: Finished, tmp_path: Path) -> None:
    shutil.copytree(finished.workspace.data / "published", tmp_path / "published", symlinks=True)
    for name in ("parquet/coverage.parquet", "manifest.json"):
        (tmp_path / "published" / "current" / name).chmod(0o644)
    with (tmp_path / "published" / "current" / "parquet" / "coverage.parquet").open("ab") as file:
        file.write(b"x")
    outcome = finished.workspace.command("doctor", "--data-dir", str(tmp_path))
    assert outcome.returncode == 2
    assert "NOK published: checksums differ: parquet/coverage.parquet" in outcome.stdout
    (tmp_path / "published" / "current" / "manifest.json").write_text("{", encoding="utf-8")
    outcome = finished.workspace.command("doctor", "--data-dir", str(tmp_path))
    assert outcome.returncode == 2
    assert "NOK published: checksums differ: manifest.json; run again" in outcome.stdout


# A part of the assets, and runs that fail. Each of these is a run of one or two steps.


@pytest.fixture
def in_process(finished: Finished) -> Iterator[Callable[..., RunSummary]]:
    """The main job on the finished workspace, inside this process."""
    before = dict(os.environ)

    def run(select: str | None, *, full: bool = False) -> RunSummary:
        os.environ.update(finished.workspace.environment())
        return run_main_job(finished.workspace.settings(), select, full=full)

    yield run
    os.environ.clear()
    os.environ.update(before)


def test_a_part_without_the_publication_publishes_nothing_and_says_so(finished: Finished) -> None:
    manifest, messages = finished.manifest, finished.messages
    outcome = finished.workspace.command("run", "--select", 'key:"marts/coverage"')
    assert outcome.returncode == 0, outcome.stderr
    assert "· 1 tabel bijgewerkt, niets gepubliceerd" in outcome.stdout.splitlines()[0]
    assert re.search(r"De publicatie van \d\d-\d\d-\d{4} \d\d:\d\d staat er nog", outcome.stdout)
    assert "Waarnemingen geladen" not in outcome.stdout
    assert "publicatie is vernieuwd" not in outcome.stdout + outcome.stderr
    assert (finished.manifest, finished.messages) == (manifest, messages)


@pytest.mark.parametrize(
    ("select", "tables"),
    [("group:breaks", 4), ('key:"raw/region"', 6), ('key:"marts/coverage" or key:"marts/source"', 2)],
)
def test_what_is_made_in_one_step_is_made_together(
    in_process: Callable[..., RunSummary], select: str, tables: int
) -> None:
    summary = in_process(select)
    assert (summary.exit_code, summary.tables_updated, summary.is_published) == (0, tables, False), summary.error


def test_a_part_with_a_wrong_delivery_ends_with_1(in_process: Callable[..., RunSummary]) -> None:
    summary = in_process('key:"raw/finance_buch"')
    assert (summary.exit_code, summary.rows_refused, summary.is_published) == (1, 1, False)


def test_a_publication_comes_after_the_checks_of_every_layer(
    finished: Finished, in_process: Callable[..., RunSummary]
) -> None:
    manifest = finished.manifest
    summary = in_process('key:"published/nulmeting"')
    assert summary.is_published and summary.exit_code == 1
    assert finished.manifest != manifest
    assert summary.log is not None
    steps = re.findall(r'Started execution of step "(\w+)"', summary.log.read_text(encoding="utf-8"))
    assert sorted(steps[:-1]) == ["core_expectations", "marts_expectations", "raw_expectations"]
    assert steps[-1] == "published__nulmeting"


def test_a_selection_that_names_nothing_is_wrong_use(finished: Finished, in_process: Callable[..., RunSummary]) -> None:
    for select in ("geen selectie(", ""):
        with pytest.raises(SetupError, match=r"--select: found .*, expected assets that exist, written like key:"):
            in_process(select)
    said = _said(finished.workspace.command("run", "--select", 'key:"bestaat/niet"'), 2)
    assert said.startswith('--select: found key:"bestaat/niet", expected assets that exist, written like key:')


def test_a_source_that_cannot_be_fetched_is_one_line_with_its_table_and_page(finished: Finished) -> None:
    manifest = finished.manifest
    (page,) = finished.workspace.sample.rglob("VB01NED/Observations-skip-2500.json")
    whole = page.read_bytes()
    page.write_bytes(whole[:1000])
    try:
        outcome = finished.workspace.command("run", "--select", 'key:"raw/vb_wmo"')
    finally:
        page.write_bytes(whole)
    assert outcome.returncode == 3
    assert outcome.stdout == ""
    stopped = [line for line in outcome.stderr.splitlines() if line.startswith("nulmeting: ")]
    assert len(stopped) == 1
    assert stopped[0].startswith("nulmeting: gestopt bij Ophalen: ") and "(raw__vb_wmo): " in stopped[0]
    assert "CBS table VB01NED, Observations, page 2: " in stopped[0]
    assert "Niets nieuws gepubliceerd. De publicatie van " in outcome.stderr
    assert "Traceback" not in outcome.stderr and ".py" not in outcome.stderr
    log = _log_of(outcome.stderr, finished.workspace).read_text(encoding="utf-8")
    assert "Stack Trace:" in log and "SourceError: CBS table VB01NED, Observations, page 2" in log
    assert finished.manifest == manifest


def test_another_run_that_is_busy_ends_with_3_at_once_and_alarms_nobody(finished: Finished) -> None:
    manifest, messages = finished.manifest, finished.messages
    with FileLock(finished.workspace.data / ".run.lock"):
        started = time.monotonic()
        said = _said(finished.workspace.command("run"), 3)
    assert said.startswith(f"another run is writing {finished.workspace.data}; wait until it has ended")
    assert time.monotonic() - started < 15
    assert (finished.manifest, finished.messages) == (manifest, messages)


def test_a_locked_warehouse_ends_with_3_and_says_what_to_do(finished: Finished) -> None:
    manifest = finished.manifest
    with connect(finished.workspace.settings().warehouse_path):
        outcome = finished.workspace.command("run", "--select", 'key:"raw/budget_heemskerk"')
    assert outcome.returncode == 3
    (stopped,) = [line for line in outcome.stderr.splitlines() if line.startswith("nulmeting: ")]
    assert stopped.endswith("warehouse.duckdb: in use by another process; wait until that run has ended")
    assert finished.manifest == manifest and "Traceback" not in outcome.stderr


def _full(*_: Any, **__: Any) -> Any:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize(
    "where",
    ["pipelines.deliveries.load_folder_source", "dagster.DagsterInstance.get", "pipelines.warehouse.load.load_source"],
)
def test_a_full_disk_is_said_in_one_line_and_leaves_the_publication(
    finished: Finished, in_process: Callable[..., RunSummary], monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    manifest = finished.manifest
    monkeypatch.setattr(where, _full)
    summary = in_process('key:"raw/budget_heemskerk"', full=True)
    assert summary.exit_code == FAILED
    assert summary.error is not None and summary.error.startswith("de schijf is vol; maak ruimte vrij op die van ")
    assert summary.published is not None and finished.manifest == manifest
    assert summary.log is not None and "No space left on device" in summary.log.read_text(encoding="utf-8")


def test_alerts_that_cannot_be_processed_do_not_undo_a_run(
    finished: Finished, in_process: Callable[..., RunSummary], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.alerts.dispatch.deliver_pending", _full)
    summary = in_process('key:"marts/source"')
    assert summary.exit_code == 0
    assert len(summary.alert_errors) == 1 and "de schijf is vol" in summary.alert_errors[0]


def test_an_error_that_quotes_a_person_is_shown_without_it(
    finished: Finished, in_process: Callable[..., RunSummary], monkeypatch: pytest.MonkeyPatch
) -> None:
    def quoting(*_: Any, **__: Any) -> Any:
        raise ValueError("could not convert '123456782' of 17-03-1968")

    monkeypatch.setattr("pipelines.deliveries.load_folder_source", quoting)
    summary = in_process('key:"raw/budget_heemskerk"', full=True)
    assert summary.error == "could not convert '[withheld]' of [withheld]"
    assert summary.log is not None and "123456782" not in summary.log.read_text(encoding="utf-8")


def test_what_nobody_foresaw_is_one_line_without_a_trace(untouched: Workspace) -> None:
    script = "import pipelines.doctor as d; d.examine = lambda _: 1 / 0; from pipelines.cli import main; main()"

    def doctor(**variables: str) -> Completed:
        return subprocess.run(
            [sys.executable, "-c", script, "doctor"],
            cwd=untouched.root,
            env=untouched.environment() | variables,
            capture_output=True,
            text=True,
            check=False,
        )

    said = _said(doctor(), 3)
    assert said == "stopped by an unforeseen ZeroDivisionError; set NULMETING_DEBUG=1 to see where"
    assert "Traceback" in doctor(NULMETING_DEBUG="1").stderr


def test_a_profile_without_sources_says_what_to_do_instead_of_publishing_nothing(workspace: Workspace) -> None:
    for path in [*workspace.sources.glob("*/*.yml")]:
        text = path.read_text(encoding="utf-8").replace("enabled: false\n", "")
        path.write_text(text.replace("profiles: [live]\n", "profiles: [live]\nenabled: false\n"), encoding="utf-8")
    outcome = workspace.command("run", "--profile", "live")
    assert outcome.returncode == 2
    assert "add-a-source" in outcome.stderr
    assert not workspace.published.exists()
