"""`nulmeting run --profile live` against a server that plays the publishers: the first run, one on which nothing was
published, and one after a revision, a new version without a new figure, and a table that is gone.

The three runs are made once and every test reads what they left behind.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.declarations.load import load_declarations
from pipelines.settings import PROJECT_ROOT
from tests.live_server import LiveServer
from tests.live_tables import inhabitants, live_tables

pytestmark = pytest.mark.xdist_group("live")

NULMETING = Path(sys.executable).with_name("nulmeting")
TODAY = "2026-07-02"
# What the tests change: a figure that two tables give, one that is revised, a table that is published anew
# unchanged, and one that is withdrawn.
OVERLAP = {"TypeMaatwerkvoorziening": "T001024", "RegioS": "GM9902", "Perioden": "2019HJ01"}
REVISED = {"VormenVanJeugdzorg": "A045561", "RegioS": "GM9901", "Perioden": "2022JJ00"}
UNCHANGED, GONE = "82015NED", "85044NED"
# What says whether a table changed, in v4 and in v3.
POLLED = {"Properties", "TableInfos"}


@dataclass(frozen=True)
class Run:
    """One run as it ended: what it printed, what it asked for, and a copy of what it published."""

    outcome: subprocess.CompletedProcess[str]
    resources: Counter[str]
    asked: frozenset[tuple[str, str]]
    published: Path

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.published), read_only=True) as connection:
            return connection.execute(query).fetchall()

    def value(self, query: str) -> Any:
        ((value,),) = self.rows(query)
        return value

    def delivered(self, source_id: str, indicator_id: str, region_code: str, period_code: str) -> Any:
        """What a source now says; fails where it says nothing, or two things."""
        return self.value(
            f"select value from marts.observation where source_id = '{source_id}' and is_latest "
            f"and (indicator_id, region_code, period_code) = ('{indicator_id}', '{region_code}', '{period_code}')"
        )

    def figure(self, indicator_id: str, region_code: str, period_code: str) -> Any:
        """The published figure of a municipality."""
        return self.value(
            "select value from marts.indicator_municipality where geography = 'published' "
            f"and (indicator_id, region_code, period_code) = ('{indicator_id}', '{region_code}', '{period_code}')"
        )


@dataclass(frozen=True)
class Story:
    first: Run
    second: Run
    third: Run
    before: float


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    root = tmp_path_factory.mktemp("live")
    shutil.copytree(PROJECT_ROOT / "sources", root / "sources")
    tables = live_tables(load_declarations(root / "sources", "live").sources)
    with LiveServer(tables) as server:
        assert server.revise("85043NED", "Wmo-cliënten", 1_000, **OVERLAP) == 2 * 2
        first = _run(root, server, "first")
        second = _run(root, server, "second")
        before = first.figure("jeugd_jeugdzorg", "GM9901", "2022")
        assert server.revise("85099NED", "Jongeren met jeugdzorg", before + 50, **REVISED) == 1
        server.bump("85099NED")
        server.bump(UNCHANGED)
        server.remove(GONE)
        yield Story(first, second, _run(root, server, "third"), before)


def _run(root: Path, server: LiveServer, name: str) -> Run:
    server.forget()
    config = root / "nulmeting.toml"
    config.write_text("", encoding="utf-8")
    environment = {
        **os.environ,
        **server.environment(),
        "NULMETING_CONFIG": str(config),
        "NULMETING_DATA_DIR": str(root / "data"),
        "NULMETING_SOURCES_DIR": str(root / "sources"),
        "NULMETING_TODAY": TODAY,
    }
    outcome = subprocess.run(
        [str(NULMETING), "run", "--profile", "live"],
        cwd=root,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    published = root / f"{name}.duckdb"
    shutil.copy(root / "data" / "published" / "nulmeting.duckdb", published)
    asked = frozenset((request.table, request.resource) for request in server.requests)
    return Run(outcome, server.resources(), asked, published)


def test_the_first_run_ends_well_and_refuses_nothing(story: Story) -> None:
    assert story.first.outcome.returncode == 0, story.first.outcome.stdout + story.first.outcome.stderr
    assert story.first.rows("from marts.quarantine") == []


def test_every_edition_of_a_yearly_table_is_fetched_and_read(story: Story) -> None:
    periods = story.first.rows(
        "select distinct period_code from marts.observation where indicator_id = 'wmo_clienten_kerncijfers' order by 1"
    )
    assert [period for (period,) in periods] == [str(year) for year in range(2013, 2027)]
    wijk = story.first.delivered("cbs_kerncijfers_wijken", "bevolking", "WK990100", "2026")
    assert wijk == inhabitants("WK990100", 2026)


def test_the_figures_of_the_country_and_its_municipalities_are_published(story: Story) -> None:
    run = story.first
    assert run.delivered("cbs_bevolking", "bevolking", "NL01", "2020") == inhabitants("NL01", 2020)
    assert run.figure("bevolking_0_22", "GM9901", "2020") == 23 * (inhabitants("GM9901", 2020) // 90)
    half, whole = (run.delivered("cbs_wmo_2019_2023", "wmo_clienten", "NL01", period) for period in ("2023H1", "2023"))
    assert 0 < half < whole
    rate = run.figure("wmo_clienten_per_1000", "GM9901", "2024H1")
    assert rate == pytest.approx(1000 * run.figure("wmo_clienten", "GM9901", "2024H1") / inhabitants("GM9901", 2024))


def test_costs_in_thousands_are_published_in_euros(story: Story) -> None:
    costs = story.first.figure("jeugd_kosten_eur", "GM9901", "2023")
    assert costs % 1000 == 0
    assert 100_000 < costs < 10_000_000


def test_the_accounts_of_iv3_add_up_to_euros_from_their_second_publication(story: Story) -> None:
    costs = story.first.figure("iv3_lasten_6_1", "GM9901", "2020")
    assert costs > 0 and costs % 1000 == 0
    assert costs > story.first.figure("iv3_begroot_lasten_6_1", "GM9901", "2020")


def test_a_municipality_that_reports_nothing_but_zeros_did_not_deliver(story: Story) -> None:
    status = story.first.value(
        "select obs_status from marts.observation where indicator_id = 'iv3_lasten_6_1' "
        "and region_code = 'GM9903' and period_code = '2020'"
    )
    assert status == "L"


def test_a_secret_figure_stays_secret(story: Story) -> None:
    status = story.first.value(
        "select obs_status from marts.observation where indicator_id = 'wmo_verblijf_en_opvang' "
        "and region_code = 'GM9903' and period_code = '2023H1'"
    )
    assert status == "Q"


def test_of_two_tables_the_newest_counts_and_the_difference_shows(story: Story) -> None:
    assert story.first.figure("wmo_clienten", "GM9902", "2019H1") == 1_000
    conflicts = story.first.rows(
        "select source_id, value, other_source_id from marts.conflict "
        "where indicator_id = 'wmo_clienten' and region_code = 'GM9902' and period_code = '2019H1'"
    )
    assert conflicts == [("cbs_wmo_2019_2023", 1_000, "cbs_wmo_2015_2020")]


def test_a_run_on_which_nothing_was_published_asks_for_properties_alone(story: Story) -> None:
    assert story.second.outcome.returncode == 0, story.second.outcome.stdout + story.second.outcome.stderr
    polled = {(table, resource) for table, resource in story.first.asked if resource in POLLED}
    assert {table for table, _ in polled} == {table for table, _ in story.first.asked if table}
    assert story.second.asked == polled


def test_a_run_on_which_nothing_was_published_changes_no_figure(story: Story) -> None:
    query = "from marts.observation order by all"
    assert story.second.rows(query) == story.first.rows(query)


def test_a_revised_figure_is_a_new_vintage_and_a_revision(story: Story) -> None:
    assert story.third.figure("jeugd_jeugdzorg", "GM9901", "2022") == story.before + 50
    vintages = "select count(distinct vintage_id) from marts.delivery where source_id = 'cbs_jeugd'"
    assert (story.first.value(vintages), story.third.value(vintages)) == (1, 2)
    revised = story.third.rows("select indicator_id, region_code, period_code from marts.revision")
    assert revised == [("jeugd_jeugdzorg", "GM9901", "2022")]
    assert story.second.rows("from marts.revision") == []


def test_only_what_was_published_anew_is_fetched_again(story: Story) -> None:
    fetched = {table for table, resource in story.third.asked if resource == "Observations"}
    assert fetched == {"85099NED", UNCHANGED}


def test_a_table_that_is_gone_is_a_finding_and_its_last_figures_stay(story: Story) -> None:
    assert story.third.outcome.returncode == 1, story.third.outcome.stdout + story.third.outcome.stderr
    assert GONE in story.third.outcome.stdout
    stock = ("cbs_wmo_stroom", "wmo_voorzieningen_stand", "GM9901", "2023H1")
    assert story.third.delivered(*stock) == story.first.delivered(*stock)
    assert story.third.figure("bevolking", "GM9901", "2026") == inhabitants("GM9901", 2026)
