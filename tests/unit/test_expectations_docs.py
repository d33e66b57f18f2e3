"""The Data Docs of a run and the findings of its checks, from results made by hand, so without GX."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from expectations.check import Check, CheckResult, expects
from expectations.docs import ROWS_SHOWN, DocsStore
from expectations.dutch import dutch_number
from expectations.findings import to_findings
from expectations.suites_core import core_checks
from expectations.suites_marts import marts_checks

CHECKS = {check.name: check for check in [*core_checks(), *marts_checks()]}
CONFLICT = CHECKS["marts_conflict__no_source_conflict"]
BREAK = CHECKS["marts_trend_break__no_unexplained_open_break"]
KEY = CHECKS["core_observation__key_unique"]
NAMES = {"GM0383": "Castricum", "wmo_hbh": "Hulp bij het huishouden"}


def _passed(check: Check) -> CheckResult:
    return CheckResult(check, True, True, 0, pa.table({}), "3 rijen, alle goed", "Alles klopt", 0.1)


def _failed(check: Check, *rows: dict[str, Any]) -> CheckResult:
    table = pa.Table.from_pylist([{**row, "rows_failing": 1} for row in rows])
    return CheckResult(check, False, True, len(rows), table, f"{len(rows)} niet goed", "Alles klopt", 0.1)


def _unevaluated(check: Check) -> CheckResult:
    empty = pa.table({})
    return CheckResult(check, False, False, 0, empty, "niet gecontroleerd", "Alles klopt", 0.1, "table is gone")


def _conflict(region: str = "GM0383", value: float = 25.0) -> dict[str, Any]:
    return {
        "indicator_id": "wmo_hbh",
        "region_code": region,
        "period_code": "2016H2",
        "source_id": "cbs",
        "value": value,
        "other_source_id": "gemeente",
        "other_value": 27.5,
        "difference_pct": 10.0,
    }


class _Page(HTMLParser):
    """What a page asks of the outside, where its links lead, and which anchors it has."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.links: list[str] = []
        self.anchors: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            if name in ("src", "href", "action", "data", "srcset"):
                (self.links if tag == "a" else self.addresses).append(value or "")
            if name == "id":
                self.anchors.append(value or "")


def _pages(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.html")}


def test_docs_have_an_index_and_a_page_per_table(tmp_path: Path) -> None:
    docs = DocsStore(tmp_path, "run-1")
    docs.record([_passed(KEY), _failed(CONFLICT, _conflict())])
    assert set(_pages(tmp_path)) == {"index.html", "core.observation.html", "marts.conflict.html"}
    assert docs.index == tmp_path / "index.html"


def test_pages_ask_nothing_of_the_outside_and_run_no_script(tmp_path: Path) -> None:
    DocsStore(tmp_path, "run-1").record([_passed(KEY), _failed(CONFLICT, _conflict()), _unevaluated(BREAK)])
    for name, html in _pages(tmp_path).items():
        page = _Page(html)
        assert page.addresses == ["data:,"], name
        assert not {"script", "iframe", "img", "object"} & set(page.tags), name
        assert not re.search(r"https?:|//[a-z]|url\(|@import", html), name


def test_every_link_leads_to_a_check_that_is_there(tmp_path: Path) -> None:
    docs = DocsStore(tmp_path, "run-1")
    docs.record([_passed(KEY), _failed(CONFLICT, _conflict()), _unevaluated(BREAK)])
    links = [link for html in _pages(tmp_path).values() for link in _Page(html).links]
    assert docs.address(CONFLICT) in links
    for link in links:
        file, _, anchor = link.partition("#")
        page = _Page((tmp_path / file).read_text(encoding="utf-8"))
        assert not anchor or anchor in page.anchors, link


def test_a_page_says_what_failed_and_what_to_do_with_labels(tmp_path: Path) -> None:
    DocsStore(tmp_path, "run-1", NAMES).record([_failed(CONFLICT, _conflict())])
    html = (tmp_path / "marts.conflict.html").read_text(encoding="utf-8")
    for text in (
        "Alles klopt",
        "Voldoet niet (waarschuwing): Twee bronnen spreken elkaar tegen",
        CONFLICT.next_step_nl,
        "Castricum (GM0383)",
        "Hulp bij het huishouden (wmo_hbh)",
        '<td class="number">27,5</td>',
    ):
        assert text in html


def test_the_style_sheet_reaches_the_browser_as_it_was_written(tmp_path: Path) -> None:
    DocsStore(tmp_path, "run-1").record([_passed(KEY)])
    style = re.search(r"<style>(.*?)</style>", (tmp_path / "index.html").read_text(encoding="utf-8"), re.DOTALL)
    assert style is not None
    assert '"Segoe UI"' in style[1]
    assert "&" not in style[1]


def test_an_explanation_stands_across_the_table_below_its_row(tmp_path: Path) -> None:
    row = {"break_id": "b1", "indicator_id": "wmo_hbh", "explanation_nl": "Zie `dit`.", "standing": "unexplained"}
    DocsStore(tmp_path, "run-1", NAMES).record([_failed(BREAK, row, row)])
    html = (tmp_path / "marts.trend_break.html").read_text(encoding="utf-8")
    assert html.count('<tr><td colspan="3">Zie <code>dit</code>.</td></tr>') == 2
    assert html.count('<th scope="col"') == 3
    assert html.count('<tr class="above">') == 2


def test_words_of_the_machine_are_told_apart_and_codes_are_in_dutch(tmp_path: Path) -> None:
    row = {"indicator_id": "wmo_hbh", "region_code": "GM0383", "period_code": "2016H2", "standing": "unexplained"}
    DocsStore(tmp_path, "run-1", NAMES).record([_failed(BREAK, row)])
    html = (tmp_path / "marts.trend_break.html").read_text(encoding="utf-8")
    assert "<td>onverklaard</td>" in html
    assert "`" not in html and "<code>nulmeting breaks decide</code>" in html
    assert "<dd>Een andere manier" in html


def test_the_page_tells_of_a_break_what_the_mart_tells_of_it(tmp_path: Path) -> None:
    row = {"indicator_id": "wmo_hbh", "region_code": "GM0383", "explanation_nl": "Sinds 2018 ligt het hoger."}
    DocsStore(tmp_path, "run-1", NAMES).record([_failed(BREAK, row)])
    html = (tmp_path / "marts.trend_break.html").read_text(encoding="utf-8")
    assert ">Sinds 2018 ligt het hoger.</td>" in html


def test_figures_of_voorbeeldland_are_marked_as_fictional(tmp_path: Path) -> None:
    DocsStore(tmp_path, "run-1").record([_failed(CONFLICT, _conflict("VB0001"), _conflict())])
    html = (tmp_path / "marts.conflict.html").read_text(encoding="utf-8")
    assert "<td>VB0001 – Voorbeeldland, fictief</td>" in html
    assert "<td>GM0383</td>" in html


def test_what_a_delivery_writes_cannot_become_markup_or_show_a_citizen_service_number(tmp_path: Path) -> None:
    row = {**_conflict(), "source_id": "<script>alert(1)</script>", "other_source_id": "bsn 123456782"}
    DocsStore(tmp_path, "run-1").record([_failed(CONFLICT, row)])
    html = (tmp_path / "marts.conflict.html").read_text(encoding="utf-8")
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert "123456782" not in html


def test_layers_recorded_one_after_the_other_stand_in_one_index(tmp_path: Path) -> None:
    DocsStore(tmp_path, "run-1").record([_passed(KEY)])
    DocsStore(tmp_path, "run-1").record([_failed(CONFLICT, _conflict())])
    index = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "core.observation.html" in index
    assert "marts.conflict.html" in index
    assert "2 controles: 1 voldoen, 1 voldoen niet" in index


def test_only_the_newest_run_is_kept(tmp_path: Path) -> None:
    DocsStore(tmp_path, "run-1").record([_passed(KEY), _failed(CONFLICT, _conflict())])
    DocsStore(tmp_path, "run-2").record([_passed(KEY)])
    assert {path.name for path in tmp_path.iterdir()} == {
        "index.html",
        "core.observation.html",
        "core.observation.json",
    }
    assert "run-1" not in "".join(_pages(tmp_path).values())


def test_a_file_left_damaged_by_a_crash_does_not_stop_the_next_run(tmp_path: Path) -> None:
    DocsStore(tmp_path, "run-1").record([_passed(KEY)])
    (tmp_path / "core.observation.json").write_text("{", encoding="utf-8")
    DocsStore(tmp_path, "run-1").record([_failed(CONFLICT, _conflict())])
    assert set(_pages(tmp_path)) == {"index.html", "marts.conflict.html"}


def test_a_page_shows_the_first_rows_and_how_many_there_are(tmp_path: Path) -> None:
    rows = [_conflict(value=float(number)) for number in range(ROWS_SHOWN + 50)]
    DocsStore(tmp_path, "run-1").record([_failed(CONFLICT, *rows)])
    html = (tmp_path / "marts.conflict.html").read_text(encoding="utf-8")
    assert html.count("<td>gemeente</td>") == ROWS_SHOWN
    assert f"De eerste {ROWS_SHOWN} van {ROWS_SHOWN + 50} bevindingen" in html


def test_what_blocks_stands_first_in_the_index(tmp_path: Path) -> None:
    DocsStore(tmp_path, "run-1").record([_failed(CONFLICT, _conflict()), _unevaluated(KEY)])
    index = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert index.index(KEY.title_nl) < index.index(CONFLICT.title_nl)
    assert "1 konden niet worden uitgevoerd" in index


def test_a_failing_key_becomes_a_finding_with_labels_cause_and_next_step() -> None:
    (finding,) = to_findings([_failed(CONFLICT, _conflict())], NAMES)
    assert finding.full_key == ("marts_conflict__no_source_conflict|wmo_hbh|GM0383|2016H2|cbs|gemeente")
    assert finding.severity == "warning"
    assert (finding.region_code, finding.region_name) == ("GM0383", "Castricum")
    assert (finding.indicator_id, finding.indicator_label) == ("wmo_hbh", "Hulp bij het huishouden")
    assert finding.period_code == "2016H2"
    assert finding.title_nl == "Twee bronnen spreken elkaar tegen: cbs geeft 25, gemeente geeft 27,5 (+10 %)"
    assert finding.cause_nl.startswith("Meestal: een verschil in definitie")
    assert finding.next_step_nl == CONFLICT.next_step_nl
    assert finding.rows[0]["other_value"] == 27.5


def test_a_finding_keeps_its_key_when_the_figures_change() -> None:
    (before,) = to_findings([_failed(CONFLICT, _conflict(value=25))], NAMES)
    (after,) = to_findings([_failed(CONFLICT, _conflict(value=31))], NAMES)
    assert before.full_key == after.full_key


def test_a_year_in_a_key_stays_whole_whatever_other_rows_lack() -> None:
    check = CHECKS["core_reconciliation__totals_reconcile"]
    row = {
        "source_id": "begroting",
        "vintage_label": "2020",
        "region_code": "GM0396",
        "side": "lasten",
        "printed_eur": 43418377.0,
        "summed_eur": None,
    }
    whole, fraction = to_findings(
        [_failed(check, {**row, "fiscal_year": 2020}), _failed(check, {**row, "fiscal_year": 2020.0})], {}
    )
    assert whole.key == fraction.key == "begroting|2020|GM0396|2020|lasten"
    assert whole.title_nl.endswith("begroting, lasten 2020: gedrukt 43.418.377, opgeteld onbekend")


def test_what_has_no_label_or_place_keeps_its_code_or_nothing() -> None:
    row = {"source_id": "a", "indicator_id": "wmo_x", "period_code": "2016H2"}
    (finding,) = to_findings([_failed(CHECKS["core_period_gap__periods_continuous"], row)], NAMES)
    assert (finding.indicator_id, finding.indicator_label) == ("wmo_x", None)
    assert (finding.region_code, finding.region_name) == (None, None)


def test_passing_checks_are_no_findings_and_unevaluated_ones_are() -> None:
    (finding,) = to_findings([_passed(KEY), _unevaluated(CONFLICT)], NAMES)
    assert finding.full_key == "marts_conflict__no_source_conflict|not_evaluated"
    assert finding.title_nl == "Niet gecontroleerd: twee bronnen spreken elkaar tegen"
    assert "table is gone" in finding.cause_nl


@pytest.mark.parametrize("check", CHECKS.values(), ids=CHECKS)
def test_the_title_of_a_finding_only_uses_what_the_query_gives(check: Check) -> None:
    fields = set(re.findall(r"{(\w+)", check.detail_nl)) | set(check.key_columns)
    assert all(field == "rows_failing" or re.search(rf"\b{field}\b", check.query) for field in fields)


@pytest.mark.parametrize(
    ("value", "signed", "shown"),
    [
        (41.26, False, "41,3"),
        (41.26, True, "+41,3"),
        (-20, True, "-20"),
        (61769188.0, False, "61.769.188"),
        (1234.56, False, "1235"),
        (2016, False, "2016"),
        (0.0123, False, "0,012"),
        (0, False, "0"),
        (float("inf"), False, "geen getal"),
    ],
)
def test_numbers_are_written_as_readers_of_dutch_expect(value: float, signed: bool, shown: str) -> None:
    assert dutch_number(value, signed=signed) == shown


def test_importing_the_suites_does_not_import_great_expectations() -> None:
    import subprocess
    import sys

    code = (
        "import sys, expectations.suites_raw, expectations.suites_core, expectations.suites_marts, "
        "expectations.run, expectations.docs, expectations.findings; "
        "sys.exit(any(name in sys.modules for name in ('great_expectations', 'pandas', 'jinja2')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_check_says_everything_it_knows_in_one_text() -> None:
    check = Check(
        name="core_x__y",
        asset="core.x",
        query="select 1",
        expects=expects("ExpectColumnValuesToNotBeNull", column="x"),
        severity="error",
        title_nl="Iets klopt niet",
        detects_nl="Lege waarden.",
        usual_cause_nl="een fout.",
        next_step_nl="Herstel de fout.",
        key_columns=("x",),
    )
    assert check.description_nl == "Lege waarden. Meestal: een fout. Wat te doen: Herstel de fout."


def test_how_many_rows_share_a_key_is_shown_only_where_some_do(tmp_path: Path) -> None:
    docs = DocsStore(tmp_path, "run-1")
    docs.record([_failed(CONFLICT, _conflict())])
    assert "rijen</th>" not in (tmp_path / "marts.conflict.html").read_text(encoding="utf-8")
    shared = pa.Table.from_pylist([{**_conflict(), "rows_failing": 2}])
    docs.record([CheckResult(CONFLICT, False, True, 2, shared, "2 niet goed", "Alles klopt", 0.1)])
    assert "rijen</th>" in (tmp_path / "marts.conflict.html").read_text(encoding="utf-8")
