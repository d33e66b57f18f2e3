"""The pages people look at, in a real browser: the Dagster interface and the Data Docs of a finished run."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx
import pytest

from tests.integration.conftest import NULMETING, Workspace
from tests.listening import addresses_of_session_behind

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


@pytest.fixture(scope="module")
def interface(browser: Browser, sample_run: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of `nulmeting dev` on the finished run, opened from a folder that is not the project's."""
    root = tmp_path_factory.mktemp("interface")
    shutil.copytree(sample_run.root, root, symlinks=True, dirs_exist_ok=True)
    workspace = Workspace(root)
    log = root / "interface.log"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with log.open("wb") as output:
        server = subprocess.Popen(
            [str(NULMETING), "dev", "--port", str(port)],
            cwd=root,
            env=workspace.environment(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_until_it_answers(f"{address}/server_info", server, log)
        yield address
    finally:
        _end(server)


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


def test_the_graph_shows_every_layer(interface: str, visit: Visit) -> None:
    visit.page.goto(f"{interface}/asset-groups")
    visit.shows("Global asset lineage")
    for group in GROUPS:
        visit.shows(group, whole=True)
    assert visit.asked_of_others == []
    assert visit.complaints == []


def test_the_page_of_a_table_has_its_description_columns_rows_and_checks(interface: str, visit: Visit) -> None:
    visit.page.goto(f"{interface}/assets/marts/trend_break")
    for text in ("Breaks in series", "Row count", "Columns", "Name of the break"):
        visit.shows(text)
    check = "marts_trend_break__no_unexplained_open_break"
    visit.page.goto(f"{interface}/assets/marts/trend_break?view=checks&checkDetail={check}")
    for text in (check, "Trendbreuken waarvoor", "what_to_do", "severity"):
        visit.shows(text)
    visit.shows("24 van 29 rijen niet goed")
    assert visit.asked_of_others == []
    assert visit.complaints == []


def test_job_schedules_sensors_and_the_finished_run_are_there(interface: str, visit: Visit) -> None:
    visit.page.goto(f"{interface}/jobs")
    visit.shows("monitor")
    visit.page.goto(f"{interface}/automation")
    for name in (
        "dagelijkse_leveringen",
        "na_de_publicaties",
        "melding_na_run",
        "melding_na_mislukte_run",
        "afgebroken_runs",
    ):
        visit.shows(name)
    visit.page.goto(f"{interface}/deployment/locations")
    visit.shows("Loaded")
    visit.page.goto(f"{interface}/runs")
    visit.shows("Success")
    assert visit.asked_of_others == []
    assert visit.complaints == []


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


def test_nothing_of_the_interface_listens_to_other_machines(interface: str) -> None:
    port = int(interface.rpartition(":")[2])
    addresses = addresses_of_session_behind(port)
    assert f"127.0.0.1:{port}" in addresses
    assert {address.rpartition(":")[0] for address in addresses} <= {"127.0.0.1", "::1"}
