"""The pages people look at, in a real browser: the Dagster interface, with a run that is launched there, and the Data
Docs of a finished run.

The interface keeps its records in a PostgreSQL database, so that one run shows both: that the whole job, its checks and
the ticks of the daemon are kept there, and that a person can launch and follow it.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx
import pytest

from pipelines.settings import PROJECT_ROOT
from tests.integration.conftest import NULMETING, Workspace
from tests.listening import addresses_of_session_behind
from tests.postgres_server import PostgresServer, programs

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
GROUPS = ("raw", "geography", "declared", "staging", "core", "breaks", "marts", "published")
START_SECONDS = 120.0
RUN_SECONDS = 600.0
ENDED = ("SUCCESS", "FAILURE", "CANCELED")
SHOWN_MS = 30_000


@dataclass
class Visit:
    """A page, and what it asked for and complained about since it was opened."""

    page: Page
    asked: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    @property
    def asked_of_others(self) -> list[str]:
        """Addresses outside this machine's own server, its files and the page itself."""
        return [
            address
            for address in self.asked
            if (parts := urlsplit(address)).scheme not in ("file", "data", "blob") and parts.hostname != "127.0.0.1"
        ]

    def shows(self, text: str, *, whole: bool = False) -> None:
        """Wait until `text` can be seen on the page, as a `whole` text or within one; fails when it does not come."""
        # The interface also keeps hidden copies of texts, to measure them.
        self.page.get_by_text(text, exact=whole).filter(visible=True).first.wait_for(timeout=SHOWN_MS)

    def keep(self, name: str) -> None:
        """Take a picture for the documentation, where NULMETING_PICTURES names the folder for them."""
        if folder := os.environ.get("NULMETING_PICTURES"):
            self.page.set_viewport_size({"width": 1500, "height": 800})
            self.page.wait_for_timeout(3000)
            self.page.screenshot(path=Path(folder) / f"{name}.png")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip(f"no browser to look with: none of {', '.join(BROWSERS)} is installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield running
        running.close()


@pytest.fixture
def visit(browser: Browser) -> Iterator[Visit]:
    page = browser.new_page(viewport={"width": 1200, "height": 900})
    visit = Visit(page)
    page.on("request", lambda request: visit.asked.append(request.url))
    page.on("websocket", lambda connection: visit.asked.append(connection.url))
    page.on("console", lambda said: visit.complaints.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: visit.complaints.append(str(error)))
    page.on("response", lambda answer: visit.complaints.append(answer.url) if answer.status >= 400 else None)
    yield visit
    page.close()


@dataclass
class Interface:
    """`nulmeting dev` on a workspace of its own, and the run that was launched in it."""

    address: str
    workspace: Workspace
    run_id: str = ""

    def ask(self, query: str) -> Any:
        """The answer to a question in GraphQL, as the pages ask them."""
        answer = httpx.post(f"{self.address}/graphql", json={"query": query}, timeout=60)
        answer.raise_for_status()
        return answer.json()["data"]

    @property
    def runs(self) -> list[dict[str, Any]]:
        """All runs, the latest first, with their tags as one mapping."""
        found = self.ask("{runsOrError {... on Runs {results {runId jobName status tags {key value}}}}}")
        return [
            {**run, "tags": {tag["key"]: tag["value"] for tag in run["tags"]}}
            for run in found["runsOrError"]["results"]
        ]


@pytest.fixture(scope="module")
def served(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Interface]:
    """`nulmeting dev` before anything ran, opened from a folder that is not the project's."""
    if programs() is None:
        pytest.skip("no PostgreSQL server is installed")
    root = tmp_path_factory.mktemp("interface")
    shutil.copytree(PROJECT_ROOT / "sources", root / "sources")
    workspace = Workspace(root)
    log = root / "interface.log"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with PostgresServer() as database, log.open("wb") as output:
        server = subprocess.Popen(
            [str(NULMETING), "dev", "--port", str(port)],
            cwd=root,
            env={**workspace.environment(), "NULMETING_DAGSTER_POSTGRES_URL": database.url},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        address = f"http://127.0.0.1:{port}"
        try:
            _wait_until_it_answers(f"{address}/server_info", server, log)
            yield Interface(address, workspace)
        finally:
            _end(server)


@pytest.fixture(scope="module")
def interface(served: Interface, browser: Browser) -> Interface:
    """The same, in which somebody launched `monitor` by hand, and waited until it had ended."""
    page = browser.new_page(viewport={"width": 1200, "height": 900})
    page.set_default_timeout(2 * SHOWN_MS)
    page.goto(f"{served.address}/locations/pipelines.definitions/jobs/monitor")
    page.get_by_role("button", name="Materialize all").click()
    ends_at = time.monotonic() + RUN_SECONDS
    while not (runs := served.runs) or runs[0]["status"] not in ENDED:
        assert time.monotonic() < ends_at, runs
        time.sleep(1)
    page.close()
    (run,) = runs
    served.run_id = run["runId"]
    return served


def _wait_until_it_answers(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    ends_at = time.monotonic() + START_SECONDS
    while time.monotonic() < ends_at and server.poll() is None:
        with contextlib.suppress(httpx.TransportError):
            httpx.get(address, timeout=5).raise_for_status()
            return
        time.sleep(0.2)
    pytest.fail(f"the interface did not come up:\n{log.read_text(encoding='utf-8', errors='replace')[-4000:]}")


def _end(server: subprocess.Popen[bytes]) -> None:
    """Ask it to stop, then end all of its group: the web server, the daemon and the code servers."""
    server.send_signal(signal.SIGTERM)
    try:
        server.wait(timeout=20)
    except subprocess.TimeoutExpired:
        pass
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)
        server.wait(timeout=20)


@pytest.mark.xdist_group("interface")
def test_the_graph_shows_every_layer(interface: Interface, visit: Visit) -> None:
    visit.page.goto(f"{interface.address}/asset-groups")
    visit.shows("Global asset lineage")
    for group in GROUPS:
        visit.shows(group, whole=True)
    assert visit.asked_of_others == []
    assert visit.complaints == []


@pytest.mark.xdist_group("interface")
def test_a_run_that_somebody_launches_there_succeeds_and_publishes(interface: Interface, visit: Visit) -> None:
    (run,) = (run for run in interface.runs if run["runId"] == interface.run_id)
    assert (run["jobName"], run["status"]) == ("monitor", "SUCCESS")
    assert run["tags"]["nulmeting/launched_by"] == "interface"
    assert run["tags"]["nulmeting/profile"] == "sample"
    assert interface.workspace.value("select count(*) from marts.trend_break where cause = 'unexplained'") > 0
    visit.page.goto(f"{interface.address}/runs/{interface.run_id}")
    for text in ("Success", "233 assets", "65 checks", "published__nulmeting", "RUN_SUCCESS"):
        visit.shows(text)
    visit.keep("run")
    assert visit.asked_of_others == []
    assert visit.complaints == []


@pytest.mark.xdist_group("interface")
def test_the_page_of_a_table_has_its_description_columns_rows_and_checks(interface: Interface, visit: Visit) -> None:
    visit.page.goto(f"{interface.address}/assets/marts/trend_break")
    for text in ("Breaks in series", "Row count", "Columns", "Name of the break"):
        visit.shows(text)
    check = "marts_trend_break__no_unexplained_open_break"
    visit.page.goto(f"{interface.address}/assets/marts/trend_break?view=checks&checkDetail={check}")
    for text in (check, "Trendbreuken waarvoor", "what_to_do", "severity"):
        visit.shows(text)
    visit.shows("24 van 29 rijen niet goed")
    visit.keep("checks")
    assert visit.asked_of_others == []
    assert visit.complaints == []


@pytest.mark.xdist_group("interface")
def test_jobs_schedules_sensors_and_the_finished_run_are_there(interface: Interface, visit: Visit) -> None:
    visit.page.goto(f"{interface.address}/jobs")
    for name in ("monitor", "deliveries", "publish", "looking_back"):
        visit.shows(name)
    visit.page.goto(f"{interface.address}/automation")
    for name in (
        "dagelijkse_leveringen",
        "na_de_publicaties",
        "na_de_jeugdcijfers",
        "nieuwe_bestanden",
        "gewijzigde_cbs_tabellen",
        "melding_na_run",
        "melding_na_mislukte_run",
        "afgebroken_runs",
    ):
        visit.shows(name)
    visit.page.goto(f"{interface.address}/deployment/locations")
    visit.shows("Loaded")
    visit.page.goto(f"{interface.address}/runs")
    visit.shows("Success")
    assert visit.asked_of_others == []
    assert visit.complaints == []


@pytest.mark.xdist_group("interface")
def test_half_years_can_be_chosen_to_look_back_at(interface: Interface, visit: Visit) -> None:
    visit.page.goto(f"{interface.address}/assets/published/as_of?view=partitions")
    for day in ("2015-06-30", "2026-06-30"):
        visit.shows(day)
    assert visit.complaints == []


@pytest.mark.xdist_group("interface")
def test_the_daemon_tells_what_the_run_found(interface: Interface) -> None:
    told = interface.workspace.data / "alerts" / "alerts.jsonl"
    ends_at = time.monotonic() + START_SECONDS
    while not told.is_file():
        assert time.monotonic() < ends_at, "the sensor comes by every half minute"
        time.sleep(0.5)
    (message,) = (json.loads(line) for line in told.read_text(encoding="utf-8").splitlines())
    assert (message["run_id"], message["run_status"]) == (interface.run_id, "published")


def test_data_docs_lead_from_the_index_to_the_rows_that_fail(visit: Visit, sample_run: Workspace) -> None:
    page = visit.page
    page.goto((sample_run.data / "data_docs" / "index.html").as_uri())
    visit.shows("Vraagt aandacht")
    visit.shows("Voorbeeldland en zijn gemeenten zijn fictief")
    assert _overflow(page) == 0

    page.get_by_role("link", name="Trendbreuk zonder verklaring").click()
    page.wait_for_url("**/marts.trend_break.html#*")
    visit.shows("Wat te doen")
    rows = page.locator("section.check tbody tr.above")
    assert rows.count() == 24
    first = rows.first.inner_text()
    assert "Voorbeeldland, fictief" in first
    assert "onverklaard" in first
    assert page.locator("section.check tbody tr.above + tr").first.inner_text().startswith(("Sinds", "Alleen in", "In"))
    assert _overflow(page) == 0
    # The style sheet is in force: a rule that a browser cannot read falls back to a serif without a word.
    assert "Arial" in page.evaluate("getComputedStyle(document.body).fontFamily")
    assert visit.asked_of_others == []
    assert visit.complaints == []


def test_data_docs_are_readable_on_a_telephone(visit: Visit, sample_run: Workspace) -> None:
    visit.page.set_viewport_size({"width": 390, "height": 800})
    for path in sorted((sample_run.data / "data_docs").glob("*.html")):
        visit.page.goto(path.as_uri())
        assert _overflow(visit.page) == 0, path.name


def _overflow(page: Page) -> int:
    """By how many pixels the page is wider than its window; wide tables scroll within themselves."""
    return int(page.evaluate("document.documentElement.scrollWidth - window.innerWidth"))


@pytest.mark.xdist_group("interface")
def test_nothing_of_the_interface_listens_to_other_machines(interface: Interface) -> None:
    port = int(interface.address.rpartition(":")[2])
    addresses = addresses_of_session_behind(port)
    assert f"127.0.0.1:{port}" in addresses
    assert {address.rpartition(":")[0] for address in addresses} <= {"127.0.0.1", "::1"}
