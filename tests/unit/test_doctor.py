"""What the doctor says of every declared source and of the installation, and how much of it a screen holds."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import socket
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from filelock import FileLock

from pipelines.alerts.outbox import Outbox
from pipelines.connectors.snapshot import SnapshotStore
from pipelines.declarations.load import Declarations, load_declarations
from pipelines.declarations.source import (
    CbsV3Connector,
    CbsV3Reader,
    CbsV4Connector,
    CbsV4Reader,
    FolderConnector,
    Source,
    SwingConnector,
    SwingOdataReader,
    SwingReader,
)
from pipelines.doctor import Finding, diagnose, examine
from pipelines.doctor_screen import on_one_screen
from pipelines.doctor_sources import SourceFinding, examine_sources
from pipelines.settings import PROJECT_ROOT, Channel, Settings
from pipelines.step_timings import StepRun, record_steps
from tests.cbs_sources import source_of
from tests.integration.test_alert_channels import free_port
from tests.servers import BASE_PATH, ReplayServer, refusing, showing_html

V4, V3 = f"{BASE_PATH}/Datasets", "/ODataCatalog/Tables"
JULY = dt.date(2026, 7, 1)


def source(source_id: str, connector: Any, reader: Any = None, **more: Any) -> Source:
    return source_of(connector, reader or CbsV4Reader(kind="cbs_v4"), source_id=source_id, title=source_id, **more)


def v4_source(source_id: str, *tables: str, **more: Any) -> Source:
    if len(tables) == 1:
        return source(source_id, CbsV4Connector(kind="cbs_v4", table=tables[0]), **more)
    editions = {str(2020 + place): table for place, table in enumerate(tables)}
    reader = CbsV4Reader(kind="cbs_v4", period_dimension=None)
    return source(source_id, CbsV4Connector(kind="cbs_v4", editions=editions), reader, **more)


def v3_source(source_id: str, table: str, host: str = "cbs") -> Source:
    connector = CbsV3Connector(kind="cbs_v3", table=table, host=host)  # type: ignore[arg-type]
    return source(source_id, connector, CbsV3Reader(kind="cbs_v3"))


@pytest.fixture(scope="module")
def nothing() -> Declarations:
    """The declarations of the project without any source."""
    return replace(load_declarations(PROJECT_ROOT / "sources", "live"), sources=(), disabled=())


@pytest.fixture
def server() -> Iterator[ReplayServer]:
    tables = [
        ("03759ned", "2026-06-23", "Regulier"),
        ("85043NED", "2026-08-01", "Regulier"),
        ("83262NED", "2021-05-01", "Gediscontinueerd"),
        ("82972NED", "2021-05-01", "Vervallen"),
    ]
    with ReplayServer({}) as server:
        server.paths = {
            V4: json.dumps(
                {
                    "value": [
                        {"Identifier": name, "Title": name, "Modified": f"{day}T00:00:00+02:00", "Status": status}
                        for name, day, status in tables
                    ]
                }
            ).encode(),
            V3: json.dumps({"value": [{"Identifier": "45071NED", "Modified": "2026-06-01T02:00:00"}]}).encode(),
        }
        yield server


@pytest.fixture
def settings(server: ReplayServer, tmp_path: Path) -> Settings:
    return Settings(
        profile="live",
        data_dir=tmp_path,
        drop_dir=tmp_path / "drop",
        cbs_v4_url=server.base_url,
        cbs_v3_url=server.url,
        cbs_v3_third_url=server.url,
    )


Examined = Callable[..., dict[str, SourceFinding]]


@pytest.fixture
def examined(settings: Settings, nothing: Declarations) -> Examined:
    def run(*sources: Source, **changed: Any) -> dict[str, SourceFinding]:
        declared = replace(
            nothing,
            sources=tuple(source for source in sources if source.enabled),
            disabled=tuple(source for source in sources if not source.enabled),
        )
        found = list(examine_sources(settings.model_copy(update=changed), declared))
        assert len({line.subject for line in found if line.subject != "catalogue"}) == len(
            [line for line in found if line.subject != "catalogue"]
        )
        return {line.subject.removeprefix("source "): line for line in found}

    return run


def test_one_request_tells_of_all_tables_of_a_service(examined: Examined, server: ReplayServer) -> None:
    found = examined(
        v4_source("bevolking", "03759ned"), v4_source("wmo", "85043NED"), v3_source("iv3_2025", "45071NED")
    )
    assert [(line.ok, name) for name, line in found.items() if name != "catalogue"] == [
        (True, "bevolking"),
        (True, "wmo"),
        (True, "iv3_2025"),
    ]
    assert found["bevolking"].text == "03759ned; not fetched yet"
    assert sorted(request.path for request in server.requests) == [V3, V4]


@pytest.mark.parametrize(
    ("table", "suggested"),
    [("03759NED", " (did you mean 03759ned?)"), ("85043ned", " (did you mean 85043NED?)"), ("99999NED", "")],
)
def test_an_id_that_is_not_in_the_catalogue_is_wrong_and_the_spelling_is_suggested(
    examined: Examined, table: str, suggested: str
) -> None:
    line = examined(v4_source("fout", table))["fout"]
    assert (line.ok, line.text) == (False, f"{table}; unknown id {table}{suggested}")


@pytest.mark.parametrize("table", ["83262NED", "82972NED"])
def test_a_table_that_is_not_kept_up_any_more_is_said_to_be(examined: Examined, table: str) -> None:
    line = examined(v4_source("oud", table))["oud"]
    assert (line.ok, line.text) == (True, f"{table}; discontinued; not fetched yet")


def test_a_table_that_changed_since_it_was_fetched_is_said_to_have(examined: Examined, settings: Settings) -> None:
    store = SnapshotStore(settings.snapshots_dir)
    for source_id, table in (("wmo", "85043NED"), ("bevolking", "03759ned")):
        store.put_files(
            source_id,
            table,
            {"Properties.json": b"{}"},
            origin="x",
            fetched_at=dt.datetime(2026, 7, 2, tzinfo=dt.UTC),
            vintage_date=JULY,
        )
    found = examined(v4_source("wmo", "85043NED"), v4_source("bevolking", "03759ned"))
    assert found["wmo"].text == "85043NED; changed on 2026-08-01 since the last fetch"
    assert found["bevolking"].text == "03759ned"


def test_editions_are_one_line_that_names_those_that_differ(examined: Examined) -> None:
    line = examined(v4_source("wijken", "85043NED", "83262NED", "86358NED", "03759NED"))["wijken"]
    assert not line.ok
    assert line.text == (
        "4 tables; unknown id 86358NED; unknown id 03759NED (did you mean 03759ned?); discontinued: 83262NED; "
        "not fetched yet: 85043NED, 83262NED"
    )


@pytest.mark.parametrize(
    ("more", "ok", "said"),
    [
        ({"evidence": "secondhand"}, True, "declared after other people's use of it"),
        ({"evidence": "unconfirmed"}, True, "not confirmed"),
        ({"enabled": False}, True, "switched off"),
    ],
)
def test_what_a_declaration_rests_on_and_whether_it_is_switched_on_stand_in_its_line(
    examined: Examined, more: dict[str, Any], ok: bool, said: str
) -> None:
    line = examined(v4_source("wmo", "85043NED", **more))["wmo"]
    assert line.ok is ok
    assert said in line.text


def test_an_unknown_id_of_a_source_that_is_switched_off_is_told_and_no_fault(examined: Examined) -> None:
    line = examined(v4_source("uit", "99999NED", enabled=False))["uit"]
    assert line.ok
    assert "unknown id 99999NED" in line.text and "switched off" in line.text


def test_a_service_that_fails_is_one_line_for_all_its_sources(examined: Examined, server: ReplayServer) -> None:
    server.fail("Datasets", refusing(503))
    wmo = [v4_source(f"bron_{number}", "85043NED") for number in range(20)]
    found = examined(*wmo, v3_source("iv3_2025", "45071NED"))
    assert list(found) == ["catalogue", "iv3_2025"]
    assert len(server.asked("Datasets")) == 1


def test_the_line_of_a_service_that_fails_says_why_and_counts_its_sources(
    settings: Settings, nothing: Declarations, server: ReplayServer
) -> None:
    server.fail("Datasets", showing_html())
    declared = replace(nothing, sources=tuple(v4_source(f"bron_{number}", "85043NED") for number in range(20)))
    (line,) = examine_sources(settings, declared)
    assert not line.ok
    assert line.text == (
        f"{server.base_url}: no catalogue (found an HTML page titled 'Onderhoud aan StatLine', expected JSON); "
        "see the network, or cbs_v4_url; 20 sources not looked up"
    )
    assert list(examine_sources(settings, declared, silent=("cbs_v4_url",))) == []


def test_third_parties_have_a_catalogue_of_their_own(examined: Examined, server: ReplayServer) -> None:
    examined(v3_source("a", "45071NED"), v3_source("b", "45071NED", "third_party"))
    assert len(server.asked("Tables")) == 2


def test_a_snapshot_that_is_damaged_is_told_in_the_line_of_its_source(examined: Examined, settings: Settings) -> None:
    (settings.snapshots_dir / "wmo" / "85043NED" / "0123456789abcdef").mkdir(parents=True)
    line = examined(v4_source("wmo", "85043NED"))["wmo"]
    assert not line.ok
    assert "found no snapshot.json" in line.text


def test_sources_without_a_catalogue_say_what_they_wait_for(examined: Examined, settings: Settings) -> None:
    reader = SwingReader(kind="swing", items=("a",))
    folder = source("export", FolderConnector(kind="folder", folder="swing", pattern="*.csv"), reader)
    swing = source("swing", SwingConnector(kind="swing_odata", variables=("a",)), SwingOdataReader(kind="swing_odata"))
    found = examined(folder, swing)
    assert (found["export"].ok, found["export"].text) == (True, "0 deliveries in the folder")
    assert not found["swing"].ok and "swing_url" in found["swing"].text
    assert settings.drop_dir is not None
    (settings.drop_dir / "swing").mkdir(parents=True)
    (settings.drop_dir / "swing" / "a.csv").write_text("x")
    found = examined(folder, swing, swing_url="https://databank.example/jiveservices/odata")
    assert found["export"].text == "1 delivery in the folder"
    assert found["swing"].ok


def test_the_sample_asks_nobody(settings: Settings, server: ReplayServer) -> None:
    sample = settings.model_copy(update={"profile": "sample"})
    lines = list(examine(sample))
    assert not any(line.subject.startswith(("source ", "catalogue")) for line in lines)
    assert server.requests == []


def test_a_publisher_that_is_not_there_is_one_line_and_not_one_for_every_source(settings: Settings) -> None:
    nowhere = "http://127.0.0.1:9"
    unreachable = settings.model_copy(
        update={"cbs_v4_url": f"{nowhere}/odata/v1/CBS", "cbs_v3_url": nowhere, "cbs_v3_third_url": nowhere}
    )
    lines = list(examine(unreachable))
    assert [line.ok for line in lines if line.subject == "publisher"] == [False]
    assert not any(line.subject.startswith("source cbs_") for line in lines)


# The installation


def _findings(settings: Settings, *subjects: str) -> dict[str, Finding]:
    found = {line.subject: line for line in examine(settings)}
    assert set(subjects) <= set(found), found
    return found


@pytest.fixture
def sample(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data")


def test_all_well_fits_on_one_screen(sample: Settings) -> None:
    lines = list(on_one_screen(examine(sample)))
    assert len(lines) <= 24
    assert all(line.startswith("ok ") and len(line) < 200 for line in lines), lines


def test_what_is_wrong_stands_first_and_many_of_a_kind_are_counted() -> None:
    wrong = [Finding(False, f"source bron_{number}", "unknown id") for number in range(20)]
    lines = list(on_one_screen([Finding(True, "python", "3.11"), *wrong, Finding(True, "source goed", "x")]))
    assert [line[:3] for line in lines] == ["NOK"] * 6 + ["ok "] * 2
    assert lines[5] == "NOK sources: and 15 more; `nulmeting doctor --all`"


def test_a_broken_configuration_is_a_finding_and_the_rest_is_looked_at(tmp_path: Path) -> None:
    config = tmp_path / "nulmeting.toml"
    config.write_text('profle = "live"\ndata_dirr = "x"\n', encoding="utf-8")
    found = list(diagnose(tmp_path / "data", "sample", config))
    assert not found[0].ok and "found an unknown key profle" in found[0].text
    assert "unknown keys: profle, data_dirr" in found[0].text
    assert {line.subject for line in found} >= {"python", "declarations", "published", "schedules"}
    for broken in (b"x = ", b"\xff\xfe", b'profile = "l\xefve"'):
        config.write_bytes(broken)
        assert not next(diagnose(tmp_path / "data", "sample", config)).ok


def test_a_subject_that_cannot_be_looked_at_is_a_finding_and_hides_no_other(
    sample: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.doctor._declarations", lambda _: 1 / 0)
    found = _findings(sample, "schedules")
    assert found["declarations"].text.startswith("could not be looked at (ZeroDivisionError)")


def test_packages_that_differ_from_the_lock_are_named(
    sample: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    lock = tmp_path / "requirements.lock"
    lock.write_text(
        "dagster==0.0.1 \\\n    --hash=sha256:00\nbestaatniet==1.0 \\\n"
        "alleen-elders==1.0 ; sys_platform == 'win32' \\\n"
        f"pytest=={pytest.__version__} \\\n",
        encoding="utf-8",
    )
    monkeypatch.setattr("pipelines.doctor._LOCK", lock)
    found = _findings(sample, "packages")["packages"]
    assert not found.ok and "dagster 1." in found.text and "instead of 0.0.1, bestaatniet not installed;" in found.text
    assert "alleen-elders" not in found.text and "pytest" not in found.text


def test_a_file_of_later_than_now_says_that_the_clock_is_wrong(sample: Settings) -> None:
    sample.logs_dir.mkdir(parents=True)
    (sample.logs_dir / "run.log").touch()
    assert _findings(sample, "clock")["clock"].ok
    ahead = dt.datetime.now(dt.UTC).timestamp() + 86_400
    os.utime(sample.logs_dir / "run.log", (ahead, ahead))
    found = _findings(sample, "clock")["clock"]
    assert not found.ok and "run.log was written at" in found.text and "set the clock right" in found.text


def test_a_run_that_is_on_and_one_that_was_killed_are_told(sample: Settings) -> None:
    sample.data_dir.mkdir()
    (sample.data_dir / ".run.holder").write_text("3b0f5a0e-0000-4000-8000-000000000001", encoding="utf-8")
    with FileLock(sample.data_dir / ".run.lock"):
        assert _findings(sample)["lock"].text == "a run is on: 3b0f5a0e-0000-4000-8000-000000000001"
    assert "was killed; the next run clears up after it" in _findings(sample)["lock"].text


@pytest.mark.parametrize(("status", "ok"), [("succeeded", True), ("failed", False)])
def test_the_last_run_is_told_with_its_age_and_where_it_stopped(sample: Settings, status: Any, ok: bool) -> None:
    now = dt.datetime.now(dt.UTC)
    steps = [
        StepRun("oud", now - dt.timedelta(days=9), "a", "Eerder", 1.0, None, "failed", "cli"),
        StepRun("nieuw", now - dt.timedelta(hours=5), "b", "Leveringen toetsen", 2.0, None, status, "cli"),
    ]
    for step in steps:
        record_steps(sample, [step], now)
    found = _findings(sample, "last run")["last run"]
    assert found.ok is ok and "5 hours ago" in found.text
    assert ok or ("stopped at Leveringen toetsen" in found.text and "nieuw.log" in found.text)


def test_messages_that_were_tried_in_vain_are_wrong_and_an_outbox_that_cannot_be_read_too(sample: Settings) -> None:
    outbox = Outbox(sample.alerts_dir / "outbox.sqlite")
    assert _findings(sample)["alerts"].text == "none waits"
    with closing(sqlite3.connect(outbox.path)) as db:
        db.execute("pragma foreign_keys = off")
        db.execute(
            "insert into delivery (message_id, channel, state, attempts, taken_by, next_try_at) "
            "values ('m', 'mail', 'pending', 3, '[]', '2026-07-01T00:00:00+00:00')"
        )
        db.commit()
    found = _findings(sample)["alerts"]
    assert not found.ok and found.text.startswith("1 waiting for channel mail, tried 3 times")
    outbox.path.write_bytes(b"no database at all" * 100)
    found = _findings(sample)["alerts"]
    assert not found.ok and "cannot be read (DatabaseError)" in found.text


def test_the_schedules_that_are_on_are_read_without_dagster(sample: Settings) -> None:
    path = sample.state_dir / "dagster" / "schedules" / "schedules.db"
    assert _findings(sample)["schedules"].text.startswith("see `nulmeting dev`")
    path.parent.mkdir(parents=True)
    with closing(sqlite3.connect(path)) as db:
        db.execute("create table instigators (instigator_type text, status text, instigator_body text)")
        body = json.dumps({"origin": {"job_name": "dagelijkse_leveringen"}})
        db.executemany(
            "insert into instigators values (?, ?, ?)", [("SCHEDULE", "RUNNING", body), ("SCHEDULE", "STOPPED", "{}")]
        )
        db.commit()
    assert _findings(sample)["schedules"].text == "on: dagelijkse_leveringen"


def test_secrets_are_named_and_never_shown(sample: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NULMETING_SWING_APIKEY", "zeer geheim")
    monkeypatch.setenv("NULMETING_DAGSTER_POSTGRES_URL_FILE", str(tmp_path / "weg"))
    found = list(examine(sample))
    texts = [line.text for line in found if line.subject == "secrets"]
    assert texts[0].startswith("NULMETING_DAGSTER_POSTGRES_URL_FILE: names a file that cannot be read")
    assert "NULMETING_SWING_APIKEY" in texts[-1]
    assert not any("zeer geheim" in line.text for line in found)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql://naam:geheim@127.0.0.1:9/nulmeting", "gives no access (nobody listens there)"),
        ("geen adres met geheim", "no address of a database"),
    ],
)
def test_a_database_that_does_not_answer_is_told_without_its_address(
    sample: Settings, monkeypatch: pytest.MonkeyPatch, url: str, said: str
) -> None:
    monkeypatch.setenv("NULMETING_DAGSTER_POSTGRES_URL", url)
    found = _findings(sample)["run storage"]
    assert not found.ok and said in found.text and "geheim" not in found.text


# Channels: knocked at, and never sent to


class _Mailbox:
    def __init__(self) -> None:
        self.mails: list[Any] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        self.mails.append(envelope.content)
        return "250 OK"


def _mail(port: int) -> Channel:
    address = f"mailto://geheim@localhost:{port}?smtp=127.0.0.1&mode=insecure&from=a@localhost&to=b@localhost"
    return Channel(name="mail", kind="apprise", url=address)


def _one_channel(settings: Settings, channel: Channel) -> Finding:
    return _findings(settings.model_copy(update={"channels": (channel,)}))[f"channel {channel.name}"]


def test_a_mail_server_that_answers_is_in_order_and_gets_no_mail(sample: Settings) -> None:
    box = _Mailbox()
    controller = Controller(box, hostname="127.0.0.1", port=free_port())
    controller.start()
    try:
        assert _one_channel(sample, _mail(controller.port)).ok
    finally:
        controller.stop()
    assert box.mails == []


@pytest.fixture
def listener() -> Iterator[Callable[[bytes], int]]:
    """A server that says these bytes to whoever comes, and nothing after."""
    open_sockets: list[socket.socket] = []

    def listen(greeting: bytes) -> int:
        server = socket.create_server(("127.0.0.1", 0))
        open_sockets.append(server)

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    visitor, _ = server.accept()
                    open_sockets.append(visitor)
                    visitor.sendall(greeting)

        threading.Thread(target=serve, daemon=True).start()
        return int(server.getsockname()[1])

    yield listen
    for one in open_sockets:
        one.close()


def test_a_mail_server_that_is_down_refuses_or_says_nothing_is_told_apart(
    sample: Settings, listener: Callable[[bytes], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.doctor_reach.PATIENCE_SECONDS", 1)
    for port, said in (
        (free_port(), "Connection refused"),
        (listener(b"554 no service here\r\n"), "it refuses with SMTP 554"),
        (listener(b""), "no answer in 1 s"),
    ):
        found = _one_channel(sample, _mail(port))
        assert not found.ok and f"the mail server is not reached ({said})" in found.text
        assert "messages wait" in found.text and "geheim" not in found.text


def test_a_webhook_is_in_order_when_anything_answers(sample: Settings, server: ReplayServer) -> None:
    hook = Channel(name="haak", kind="webhook", url=f"{server.url}/geheim")
    assert _one_channel(sample, hook).ok
    found = _one_channel(sample, Channel(name="haak", kind="webhook", url=f"http://127.0.0.1:{free_port()}/geheim"))
    assert not found.ok and "no answer (ConnectError)" in found.text and "geheim" not in found.text
