"""What breaks on a small server: full disks, closed folders, settings and secrets, mail servers.

Of each: one clear message, the exit code that is documented, everything that was there still there, and once the cause
is gone the next run succeeds. The conditions are real: a small tmpfs, a file system that is read-only, a process
without root's rights, sockets. Runs are of a few assets each.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg2
import pytest
from aiosmtpd.controller import Controller

from pipelines.alerts.outbox import Outbox
from pipelines.dagster_home import POSTGRES_URL
from pipelines.disk_full import means_disk_full
from pipelines.publish.publication import publish, verify
from pipelines.settings import PROJECT_ROOT
from pipelines.step_timings import read_steps
from pipelines.warehouse.connection import connect
from tests.integration.conftest import NULMETING, Workspace
from tests.integration.test_alert_channels import free_port
from tests.postgres_server import PASSWORD, PostgresServer, programs

Completed = subprocess.CompletedProcess[str]
FULL = "de schijf is vol; maak ruimte vrij op die van "
ONE_SOURCE = 'key:"raw/finance_buch"'
QUICK = 'key:"declared/setting"'


def _problems(outcome: Completed) -> list[str]:
    """What standard error says is wrong, without a stack trace anywhere."""
    assert "Traceback" not in outcome.stderr + outcome.stdout, outcome.stderr
    return [line.removeprefix("nulmeting: ") for line in outcome.stderr.splitlines() if line.startswith("nulmeting: ")]


def _only(outcome: Completed, code: int) -> str:
    """The one problem of a command with this exit code, without the summary of a run below it."""
    problems = _problems(outcome)
    assert (outcome.returncode, len(problems)) == (code, 1), outcome.stdout + outcome.stderr
    return problems[0]


def _kept(workspace: Workspace) -> tuple[bytes, frozenset[str], frozenset[str]]:
    """What no failure may change: the publication, every vintage of every delivery, what is open in the outbox."""
    assert verify(workspace.data / "published" / "current") == []
    vintages = frozenset(str(path.parent.relative_to(workspace.data)) for path in workspace.data.rglob("snapshot.json"))
    outbox = Outbox(workspace.data / "alerts" / "outbox.sqlite")
    return (workspace.data / "published" / "manifest.json").read_bytes(), vintages, outbox.open_keys()


def _deliver(workspace: Workspace) -> None:
    """The municipality sends a file again, with one figure corrected."""
    (path,) = workspace.sample.rglob("finance_buch_2016.csv")
    before = path.read_bytes()
    path.write_bytes(before.replace(b"1.673.000,00", b"1.674.000,00"))
    assert path.read_bytes() != before


# Full disks


class SmallDisk:
    """A tmpfs in the place of a folder, with what was in it; `fill` leaves nothing free."""

    def __init__(self, folder: Path, spare_mib: int) -> None:
        self.folder = folder
        beside = folder.with_name(folder.name + ".moved")
        folder.rename(beside)
        folder.mkdir()
        size = sum(path.stat().st_size for path in beside.rglob("*") if path.is_file()) // 1024**2
        made = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size * 5 // 4 + spare_mib}m", "tmpfs", str(folder)],
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode:
            pytest.skip(f"no small disk can be made here: {made.stderr.strip()}")
        shutil.copytree(beside, folder, symlinks=True, dirs_exist_ok=True)
        shutil.rmtree(beside)

    def fill(self) -> None:
        with contextlib.suppress(OSError), (self.folder / "vol").open("wb", buffering=0) as file:
            for size in (1024**2, 4096, 1):
                with contextlib.suppress(OSError):
                    while file.write(b"x" * size):
                        pass
        assert shutil.disk_usage(self.folder).free == 0

    def empty(self) -> None:
        (self.folder / "vol").unlink()


@pytest.fixture
def small_disk() -> Iterator[Callable[..., SmallDisk]]:
    made: list[Path] = []

    def make(folder: Path, spare_mib: int = 4) -> SmallDisk:
        made.append(folder)
        return SmallDisk(folder, spare_mib)

    yield make
    for folder in made:
        subprocess.run(["umount", "--lazy", str(folder)], check=False, capture_output=True)


def test_a_full_disk_of_deliveries_stops_that_source_and_the_delivery_comes_in_afterwards(
    finished_workspace: Workspace, small_disk: Callable[..., SmallDisk]
) -> None:
    workspace = finished_workspace
    before = _kept(workspace)
    disk = small_disk(workspace.data / "raw")
    _deliver(workspace)
    disk.fill()
    said = _only(workspace.command("run", "--select", ONE_SOURCE), 3)
    assert "(raw__finance_buch): " + FULL in said
    assert _kept(workspace)[:2] == before[:2]
    disk.empty()
    outcome = workspace.command("run", "--select", ONE_SOURCE)
    assert outcome.returncode == 0, outcome.stderr
    assert len(_kept(workspace)[1] - before[1]) == 1 and before[1] < _kept(workspace)[1]


def test_a_disk_that_is_full_of_everything_is_one_line_and_changes_nothing(
    finished_workspace: Workspace, small_disk: Callable[..., SmallDisk]
) -> None:
    workspace = finished_workspace
    before = _kept(workspace)
    disk = small_disk(workspace.data)
    _deliver(workspace)
    disk.fill()
    outcome = workspace.command("run", "--select", ONE_SOURCE)
    assert FULL in _only(outcome, 3)
    assert "niet verwerkt: " + FULL in outcome.stderr
    doctor = workspace.command("doctor")
    assert doctor.returncode == 2 and "NOK disk: 0.0 GiB free" in doctor.stdout
    disk.empty()
    assert _kept(workspace) == before
    assert workspace.command("run", "--select", QUICK).returncode == 0


def test_a_warehouse_that_does_not_fit_stops_the_run_and_is_whole_again_afterwards(
    finished_workspace: Workspace, small_disk: Callable[..., SmallDisk]
) -> None:
    workspace = finished_workspace
    before = _kept(workspace)
    # The warehouse alone on a disk of its own, so that nothing else is what fails.
    elsewhere = workspace.root / "elders"
    elsewhere.mkdir()
    for name in ("raw", "published", "alerts", "runs", "logs", "dagster", "dbt", "data_docs"):
        (workspace.data / name).rename(elsewhere / name)
        (workspace.data / name).symlink_to(elsewhere / name, target_is_directory=True)
    disk = small_disk(workspace.data)
    _deliver(workspace)
    disk.fill()
    assert FULL in _only(workspace.command("run", "--select", ONE_SOURCE), 3)
    assert _kept(workspace)[0] == before[0]
    disk.empty()
    assert workspace.command("run", "--select", QUICK).returncode == 0
    assert not list(workspace.data.glob("*.damaged"))


def test_a_publication_that_does_not_fit_is_not_seen_by_anybody(
    finished_workspace: Workspace, small_disk: Callable[..., SmallDisk]
) -> None:
    workspace = finished_workspace
    before = _kept(workspace)
    settings = workspace.settings()
    disk = small_disk(workspace.data / "published", spare_mib=30)
    disk.fill()
    with pytest.raises(Exception) as stopped:  # DuckDB's own error or the system's, told alike
        publish(settings, "00000000-0000-4000-8000-000000000001")
    assert means_disk_full(str(stopped.value), disk.folder)
    assert _kept(workspace) == before
    disk.empty()
    assert publish(settings, "00000000-0000-4000-8000-000000000002").rows > 0
    assert verify(workspace.data / "published" / "current") == []


def test_alerts_that_cannot_be_written_down_are_told_and_the_channels_get_them_from_the_next_run(
    finished_workspace: Workspace, small_disk: Callable[..., SmallDisk]
) -> None:
    workspace = finished_workspace
    before = _kept(workspace)
    disk = small_disk(workspace.data / "alerts")
    disk.fill()
    with connect(workspace.settings().warehouse_path):
        outcome = workspace.command("run", "--select", ONE_SOURCE)
        assert "in use by another process" in _only(outcome, 3)
        assert "niet verwerkt: " in outcome.stderr
        assert _kept(workspace) == before
        disk.empty()
        # The fault is still there, and now it is told.
        assert workspace.command("run", "--select", ONE_SOURCE).returncode == 3
    assert len(_kept(workspace)[2] - before[2]) == 1


def test_a_log_that_does_not_fit_stops_nothing(
    finished_workspace: Workspace, small_disk: Callable[..., SmallDisk]
) -> None:
    workspace = finished_workspace
    disk = small_disk(workspace.data / "logs")
    disk.fill()
    outcome = workspace.command("run", "--select", QUICK)
    assert outcome.returncode == 0 and _problems(outcome) == []
    (lost,) = [path for path in (workspace.data / "logs").glob("*.log") if path.stat().st_size == 0]
    assert read_steps(workspace.settings())[-1].run_id == lost.stem


# Folders and files that are closed


def _without_root(*command: str) -> list[str]:
    """The command as a user who is not root; where that user cannot read this checkout, as root without its rights."""
    if os.geteuid() != 0:
        return list(command)
    nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    can = subprocess.run([*nobody, sys.executable, "-c", "import pipelines.cli"], check=False, capture_output=True)
    if can.returncode == 0:
        return [*nobody, *command]
    rights = "-dac_override,-dac_read_search"
    return ["setpriv", f"--bounding-set={rights}", f"--inh-caps={rights}", *command]


def _as_nobody(workspace: Workspace, *arguments: str, powerless_root: bool = False) -> Completed:
    command = _without_root(str(NULMETING), *arguments)
    if powerless_root and command[0] == "setpriv":
        rights = "-dac_override,-dac_read_search"
        command = ["setpriv", f"--bounding-set={rights}", f"--inh-caps={rights}", str(NULMETING), *arguments]
    return subprocess.run(
        command,
        cwd=workspace.root,
        env=workspace.environment() | {"HOME": str(workspace.root)},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


@pytest.fixture
def open_workspace(finished_workspace: Workspace) -> Iterator[Workspace]:
    """One that others than root may enter; pytest's own folders are closed to them."""
    root = Path(tempfile.mkdtemp(prefix="nulmeting-"))
    shutil.copytree(finished_workspace.root, root, symlinks=True, dirs_exist_ok=True)
    for path in (root, *root.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() else 0o644)
    yield Workspace(root)
    shutil.rmtree(root)


def test_a_data_folder_of_somebody_else_is_wrong_set_up_and_can_still_be_queried(open_workspace: Workspace) -> None:
    workspace = open_workspace
    for path in (workspace.data, *workspace.data.rglob("*")):
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o555)
    outcome = _as_nobody(workspace, "run")
    assert _only(outcome, 2) == f"{workspace.data}: cannot be written (Permission denied); see --data-dir"
    assert _as_nobody(workspace, "sql", "select count(*) from marts.source").returncode == 0
    doctor = _as_nobody(workspace, "doctor")
    assert doctor.returncode == 2 and f"NOK data: {workspace.data}: cannot be written" in doctor.stdout


def test_a_disk_that_is_read_only_is_wrong_set_up_and_can_still_be_queried(
    finished_workspace: Workspace, small_disk: Callable[..., SmallDisk]
) -> None:
    workspace = finished_workspace
    disk = small_disk(workspace.data)
    subprocess.run(["mount", "-o", "remount,ro", str(disk.folder)], check=True)
    outcome = workspace.command("run")
    assert _only(outcome, 2) == f"{workspace.data}: cannot be written (Read-only file system); see --data-dir"
    assert workspace.command("sql", "select count(*) from marts.source").returncode == 0
    doctor = workspace.command("doctor")
    assert doctor.returncode == 2 and f"NOK data: {workspace.data}: cannot be written" in doctor.stdout


def test_a_delivery_that_may_not_be_read_is_refused_by_its_name_and_the_one_before_it_stands(
    open_workspace: Workspace,
) -> None:
    workspace = open_workspace
    before = _kept(workspace)
    _deliver(workspace)
    (path,) = workspace.sample.rglob("finance_buch_2016.csv")
    path.chmod(0)
    outcome = _as_nobody(workspace, "run", "--select", ONE_SOURCE, powerless_root=True)
    assert outcome.returncode == 1 and _problems(outcome) == []
    assert "niets gepubliceerd, 1 rij geweigerd" in outcome.stdout
    (log,) = [log for log in (workspace.data / "logs").glob("*.log") if "WARNING" in log.read_text(encoding="utf-8")]
    assert f"{path.name}: found a file that cannot be opened (Permission denied)" in log.read_text(encoding="utf-8")
    assert _kept(workspace) == before
    doctor = _as_nobody(workspace, "doctor", powerless_root=True)
    assert doctor.returncode == 2 and f"NOK deliveries: {path}: cannot be read" in doctor.stdout


# Settings and secrets


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (b'profile = "live', "not valid TOML: "),
        (b'profle = "live"\n', "found an unknown key profle, expected one of profile, data_dir,"),
        (b"keep_publications = 'vijf'\n", "(keep_publications): found 'vijf', expected "),
        (b'data_dir = "geg\xe9vens"\n', "not valid TOML: found byte 0xe9, expected UTF-8"),
        (b'municipality = "Bergen"\n', "(municipality): found 'Bergen', expected a code of CBS like GM0373"),
    ],
)
def test_broken_settings_are_one_line_and_a_finding_of_the_doctor(
    untouched_settings: Path, written: bytes, said: str
) -> None:
    untouched_settings.write_bytes(written)
    environment = {**os.environ, "NULMETING_CONFIG": str(untouched_settings)}

    def command(*arguments: str) -> Completed:
        return subprocess.run(
            [str(NULMETING), *arguments], env=environment, capture_output=True, text=True, check=False
        )

    problem = _only(command("run"), 2)
    assert problem.startswith(str(untouched_settings)) and said in problem
    doctor = command("doctor", "--data-dir", str(untouched_settings.parent / "data"))
    assert doctor.returncode == 2
    assert doctor.stdout.splitlines()[0].startswith("NOK configuration: ") and said in doctor.stdout
    assert "ok  declarations: " in doctor.stdout
    assert list(untouched_settings.parent.iterdir()) == [untouched_settings]


@pytest.fixture
def untouched_settings(tmp_path: Path) -> Path:
    return tmp_path / "nulmeting.toml"


def test_settings_as_windows_writes_them_are_read(untouched_settings: Path) -> None:
    untouched_settings.write_bytes(b'\xef\xbb\xbfmunicipality = "GM0373"\r\n')
    outcome = subprocess.run(
        [str(NULMETING), "doctor", "--data-dir", str(untouched_settings.parent / "data")],
        env={**os.environ, "NULMETING_CONFIG": str(untouched_settings)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "ok  municipality: GM0373 Bergen (NH.)" in outcome.stdout


def test_a_secret_that_is_not_set_keeps_its_messages_waiting_until_it_is(
    finished_workspace: Workspace, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = finished_workspace
    workspace.config = '[[channels]]\nname = "mail"\nkind = "apprise"\nurl_env = "NULMETING_MAIL_URL"\n'
    with connect(workspace.settings().warehouse_path):
        outcome = workspace.command("run", "--select", ONE_SOURCE)
    assert "in use by another process" in _only(outcome, 3)
    assert "the environment variable NULMETING_MAIL_URL is not set; it holds the address to send to" in outcome.stderr
    doctor = workspace.command("doctor")
    assert doctor.returncode == 2 and "NULMETING_MAIL_URL is not set" in doctor.stdout
    assert "NOK alerts: 1 waiting for channel mail" in doctor.stdout
    monkeypatch.setenv("NULMETING_MAIL_URL", mailbox.address)
    mailbox.up()
    assert workspace.command("run", "--select", QUICK).returncode == 0
    assert workspace.command("run", "--select", QUICK).returncode == 0
    assert len(mailbox.ids) == 1


# Mail servers


class Mailbox:
    """A mail server that can be down, refuse, or say nothing; `ids` are of the mails it took."""

    def __init__(self) -> None:
        self.port = free_port()
        self.ids: list[str] = []
        self._controller: Controller | None = None
        self._silent: socket.socket | None = None
        self._visitors: list[socket.socket] = []
        self.refuses = False

    @property
    def address(self) -> str:
        where = f"localhost:{self.port}?smtp=127.0.0.1&mode=insecure"
        return f"mailto://{where}&from=nulmeting@localhost&to=beheer@localhost&rto=2&cto=2"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        if self.refuses:
            return "554 5.7.1 not from you"
        mail = message_from_bytes(envelope.content, policy=policy.default)
        self.ids.append(str(mail["X-Nulmeting-Message-Id"]))
        return "250 OK"

    def up(self, *, refuses: bool = False) -> None:
        self.refuses = refuses
        if self._controller is None:
            self._controller = Controller(self, hostname="127.0.0.1", port=self.port)
            self._controller.start()

    def silent(self) -> None:
        """Takes connections, and says nothing."""
        self._silent = socket.create_server(("127.0.0.1", self.port))

        def serve(server: socket.socket) -> None:
            with contextlib.suppress(OSError):
                while True:
                    self._visitors.append(server.accept()[0])

        threading.Thread(target=serve, args=(self._silent,), daemon=True).start()

    def down(self) -> None:
        if self._silent is not None:
            # Closing alone leaves a thread waiting in accept, and the port taken.
            with contextlib.suppress(OSError):
                self._silent.shutdown(socket.SHUT_RDWR)
            self._silent.close()
            self._silent = None
        for visitor in self._visitors:
            visitor.close()
        self._visitors.clear()
        if self._controller is not None:
            self._controller.stop()
            self._controller = None


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    box = Mailbox()
    yield box
    box.down()


def test_mail_servers_that_are_down_silent_or_refusing_hold_up_nothing_and_get_each_message_once(
    finished_workspace: Workspace, request: pytest.FixtureRequest
) -> None:
    workspace = finished_workspace
    boxes = {name: Mailbox() for name in ("weg", "traag", "weigert", "goed")}
    for box in boxes.values():
        request.addfinalizer(box.down)
    boxes["traag"].silent()
    boxes["weigert"].up(refuses=True)
    boxes["goed"].up()
    workspace.config = "".join(
        f"[[channels]]\nname = {json.dumps(name)}\nkind = 'apprise'\nurl = {json.dumps(box.address)}\n\n"
        for name, box in boxes.items()
    )
    before = _kept(workspace)
    with connect(workspace.settings().warehouse_path):
        outcome = workspace.command("run", "--select", ONE_SOURCE)
    # The exit code is that of the run; the messages are told below it, a line for each channel.
    assert "in use by another process" in _only(outcome, 3)
    assert "Meldingen               1 verstuurd, 3 wachtend" in outcome.stderr
    waiting = [line for line in outcome.stderr.splitlines() if line.startswith("  channel '")]
    assert sorted(line.split("'")[1] for line in waiting) == ["traag", "weg", "weigert"]
    assert "localhost" not in outcome.stderr and _kept(workspace)[0] == before[0]
    assert [len(box.ids) for box in boxes.values()] == [0, 0, 0, 1]

    boxes["traag"].down()
    for box in boxes.values():
        box.up()
    for _ in range(2):
        after = workspace.command("run", "--select", QUICK)
        assert after.returncode == 0, after.stderr
    # Each channel has a message of its own, and gets it once.
    assert {name: len(box.ids) for name, box in boxes.items()} == dict.fromkeys(boxes, 1)


def test_a_proxy_that_is_down_is_named_by_its_variable_and_not_by_its_address(tmp_path: Path) -> None:
    proxy = f"http://naam:geheim@127.0.0.1:{free_port()}"
    outcome = subprocess.run(
        [str(NULMETING), "doctor", "--profile", "live", "--data-dir", str(tmp_path / "data")],
        env={**os.environ, "HTTPS_PROXY": proxy, "NULMETING_SOURCES_DIR": str(PROJECT_ROOT / "sources")},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert outcome.returncode == 2
    assert "NOK publisher: " in outcome.stdout and "through the proxy of HTTPS_PROXY" in outcome.stdout
    assert "geheim" not in outcome.stdout + outcome.stderr


def test_a_database_of_run_records_that_goes_away_ends_the_run_in_one_line(
    finished_workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    if programs() is None:
        pytest.skip("no PostgreSQL server is installed")
    workspace = finished_workspace
    before = _kept(workspace)
    with PostgresServer() as server:
        monkeypatch.setenv(POSTGRES_URL, server.url)
        command = [str(NULMETING), "run", "--select", ONE_SOURCE]
        with subprocess.Popen(
            command,
            cwd=workspace.root,
            env=workspace.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as run:
            _wait_for_records(server)
            server.stop()
            outcome = Completed(command, run.wait(timeout=120), *run.communicate())
        said = _only(outcome, 3)
        assert POSTGRES_URL in said and "antwoordt niet meer" in said
        assert str(server.port) not in outcome.stderr and _kept(workspace)[:2] == before[:2]
        server.start()
        again = workspace.command("run", "--select", ONE_SOURCE)
        assert again.returncode == 0, again.stdout + again.stderr
    for text in (outcome.stdout, outcome.stderr, again.stderr):
        assert PASSWORD not in text and quote(PASSWORD, safe="") not in text


def _wait_for_records(server: PostgresServer) -> None:
    """Until a run has left its first events."""
    with contextlib.closing(psycopg2.connect(server.url)) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        ends_at = time.monotonic() + 60
        while time.monotonic() < ends_at:
            with contextlib.suppress(psycopg2.errors.UndefinedTable):  # the first run makes the tables
                cursor.execute("select count(*) from event_logs")
                if cursor.fetchall()[0][0] >= 3:
                    return
            time.sleep(0.02)
    pytest.fail("the run left no events")
