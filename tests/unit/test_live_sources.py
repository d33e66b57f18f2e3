"""The declared CBS sources of the profile `live`: complete, coherent, and read whole from a server that plays CBS."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from pipelines.connectors.cbs_v3 import fetch_table_v3
from pipelines.connectors.cbs_v4 import FetchedTable, fetch_table
from pipelines.connectors.http import RetryPolicy, SourceError, open_client
from pipelines.declarations.expand import declared_tables
from pipelines.declarations.load import Declarations, load_declarations
from pipelines.declarations.patterns import matching
from pipelines.declarations.source import CbsV3Connector, CbsV4Connector, CbsV4Reader, Source
from pipelines.readers.account import ReadResult
from pipelines.readers.cbs_v3 import read_observations_v3
from pipelines.readers.cbs_v4 import read_observations
from pipelines.settings import PROJECT_ROOT
from tests.live_server import LiveServer
from tests.live_tables import AGES, captured_table, inhabitants, live_tables
from tests.odata_filter import predicate

SOURCES = PROJECT_ROOT / "sources"

# The tables of this domain, written as the publisher writes them: ids are case-sensitive and follow no rule.
TABLES = {
    "bevolking": {"03759ned"},
    "wmo": {"83262NED", "85043NED", "86050NED", "85044NED"},
    "jeugd": {"84134NED", "85099NED", "85097NED", "83454NED"},
    "participatie": {"82015NED", "85588NED"},
    "prijzen": {"83131NED"},
    "stapeling": {"84420NED", "84662NED", "86195NED", "85637NED", "85994NED"},
}
KEY_FIGURES = {
    "2013": "82339NED",
    "2014": "82931NED",
    "2015": "83220NED",
    "2016": "83487NED",
    "2017": "83765NED",
    "2018": "84286NED",
    "2019": "84583NED",
    "2020": "84799NED",
    "2021": "85039NED",
    "2022": "85318NED",
    "2023": "85618NED",
    "2024": "85984NED",
    "2025": "86165NED",
    "2026": "86358NED",
}
DIVISIONS = {
    "2015": "82949NED",
    "2016": "83287NED",
    "2017": "83553NED",
    "2018": "83859NED",
    "2019": "84378NED",
    "2020": "84721NED",
    "2021": "84929NED",
    "2022": "85067NED",
    "2023": "85385NED",
    "2024": "85755NED",
    "2025": "86059NED",
    "2026": "86247NED",
}
# What a declaration says of itself where the publisher's own words are not all that it rests on.
CONFESSIONS = ("Not confirmed", "others", "other people's", "Switched off")
NOW = RetryPolicy(attempts=1)


def _declared() -> list[Source]:
    """Every source of CBS in v4, those that are switched off as well."""
    found = load_declarations(SOURCES, "live")
    return [source for source in (*found.sources, *found.disabled) if isinstance(source.connector, CbsV4Connector)]


V4_SOURCES = _declared()


def _connector(source: Source) -> CbsV4Connector:
    assert isinstance(source.connector, CbsV4Connector)
    return source.connector


@pytest.fixture(scope="module")
def live() -> Declarations:
    return load_declarations(SOURCES, "live")


@pytest.fixture(scope="module")
def server() -> Iterator[LiveServer]:
    with LiveServer(live_tables(V4_SOURCES)) as running:
        yield running


# -- what is declared ------------------------------------------------------------------------------


@pytest.mark.parametrize("subject", TABLES)
def test_every_table_of_the_domain_is_declared_under_the_publishers_own_spelling(subject: str) -> None:
    declared = {table for source in V4_SOURCES for table, _ in _connector(source).tables}
    assert declared >= TABLES[subject]


@pytest.mark.parametrize(
    ("source_id", "editions"), [("cbs_kerncijfers_wijken", KEY_FIGURES), ("cbs_gebieden", DIVISIONS)]
)
def test_a_table_a_year_has_every_edition(live: Declarations, source_id: str, editions: dict[str, str]) -> None:
    assert _connector(live.source(source_id)).editions == editions


def test_no_declaration_names_a_table_that_nobody_knows() -> None:
    known = {*KEY_FIGURES.values(), *DIVISIONS.values()}.union(*TABLES.values())
    assert {table for source in V4_SOURCES for table, _ in _connector(source).tables} == known


def test_the_population_is_sliced_on_its_totals_and_is_the_map() -> None:
    (population,) = [source for source in V4_SOURCES if source.defines_regions]
    assert _connector(population).table == "03759ned"
    for total in ("Geslacht eq 'T001038'", "Leeftijd eq '10000'", "BurgerlijkeStaat eq 'T001019'"):
        assert total in str(_connector(population).filter)


@pytest.mark.parametrize("source", V4_SOURCES, ids=lambda source: str(source.source_id))
def test_a_declaration_says_what_it_rests_on(source: Source) -> None:
    text = _text_of(source.source_id)
    assert f"\nevidence: {source.evidence}\n" in text
    comment = " ".join(line.removeprefix("#").strip() for line in text.splitlines() if line.startswith("#"))
    if source.evidence != "seen":
        assert any(confession in comment for confession in CONFESSIONS)
    assert source.enabled or "Switched off" in comment


@pytest.mark.parametrize("source", V4_SOURCES, ids=lambda source: str(source.source_id))
def test_every_measure_of_a_series_is_asked_for_and_the_other_way_round(source: Source) -> None:
    assert {series.item.split("|")[0] for series in source.series} == set(_connector(source).measures)


@pytest.mark.parametrize("source", V4_SOURCES, ids=lambda source: str(source.source_id))
def test_an_indicator_knows_the_sources_that_deliver_it(live: Declarations, source: Source) -> None:
    known = {indicator.indicator_id: indicator for indicator in live.indicators}
    for series in source.series:
        assert source.source_id in known[series.indicator_id].sources


@pytest.mark.parametrize(
    "indicator_id", ["wmo_clienten", "wmo_hulp_bij_het_huishouden", "wmo_ondersteuning_thuis", "wmo_verblijf_en_opvang"]
)
def test_of_overlapping_tables_the_newest_counts(live: Declarations, indicator_id: str) -> None:
    (indicator,) = [known for known in live.indicators if known.indicator_id == indicator_id]
    assert indicator.sources[:3] == ("cbs_wmo_detail", "cbs_wmo_2019_2023", "cbs_wmo_2015_2020")


def test_what_the_monitor_rounds_is_declared_as_rounded() -> None:
    monitor = [source for source in V4_SOURCES if re.match(r"cbs_(wmo|jeugd(?!_kosten)|stapeling)", source.source_id)]
    assert len(monitor) == 12
    assert {(source.rounding, source.suppressed_below) for source in monitor} == {(5, 10)}


def test_costs_come_in_thousands_and_are_taken_in_no_other_unit() -> None:
    (costs,) = [source for source in V4_SOURCES if source.source_id == "cbs_jeugd_kosten"]
    assert {(series.unit, series.factor) for series in costs.series} == {("1 000 euro", 1000.0)}


def test_nothing_is_expected_of_a_source_that_is_switched_off(live: Declarations) -> None:
    assert not [source.source_id for source in live.disabled if source.expected]


def test_what_is_expected_of_342_municipalities_stays_within_bounds(live: Declarations) -> None:
    codes = [f"GM{number:04}" for number in range(1, 343)]
    regions = pa.table({"region_code": codes, "region_type": ["gemeente"] * len(codes)})
    own = dataclasses.replace(live, sources=tuple(source for source in live.sources if source in V4_SOURCES))
    expected = declared_tables(own, regions, dt.date(2026, 7, 1))["expected"].num_rows
    assert 50_000 < expected < 150_000


@pytest.mark.parametrize(
    ("event_id", "indicator_id", "day"),
    [
        ("wmo_tabelwissel_2019", "wmo_clienten", "2019-01-01"),
        ("reintegratie_transactiesysteem_2023", "participatie_reintegratie_in_maand", "2023-01-01"),
        ("jeugdstatistiek_2021", "jeugd_jeugdzorg", "2021-01-01"),
        ("wmo_verwerking_cbs_2024", "wmo_clienten", "2024-01-01"),
    ],
)
def test_a_break_that_the_publisher_announced_is_an_event_of_what_it_touches(
    live: Declarations, event_id: str, indicator_id: str, day: str
) -> None:
    (event,) = [known for known in live.events if known.event_id == event_id]
    assert matching(event.indicator_ids, [indicator_id]) == [indicator_id]
    assert event.window[0].isoformat() == day
    assert event.nature == "measurement"
    assert "CBS" in event.reference


def _text_of(source_id: str) -> str:
    texts = (path.read_text(encoding="utf-8") for path in (SOURCES / "cbs").glob("*.yml"))
    return next(text for text in texts if f"\nsource_id: {source_id}\n" in text)


# -- what comes of asking --------------------------------------------------------------------------


def _fetched(server: LiveServer, source: Source, folder: Path, table: str) -> FetchedTable:
    with open_client(server.environment()["NULMETING_CBS_V4_URL"], retry=NOW) as client:
        return fetch_table(client, _connector(source), folder, table=table)


def _read(server: LiveServer, source: Source, folder: Path, place: int = -1) -> ReadResult:
    table, edition = _connector(source).tables[place]
    return read_observations(_fetched(server, source, folder, table).read_files(), source, edition)


@pytest.mark.parametrize("source", V4_SOURCES, ids=lambda source: str(source.source_id))
def test_a_source_delivers_what_is_declared_and_nothing_else(
    server: LiveServer, source: Source, tmp_path: Path
) -> None:
    result = _read(server, source, tmp_path)
    assert (result.refused, result.rows_quarantined, result.problems, result.notices) == (False, 0, (), ())
    items = pc.unique(result.rows["item"]).to_pylist()
    declared = [series.item for series in source.series]
    assert all(matching([item], items) for item in declared)
    assert set(items) == set(matching([*declared, *source.attributes], items))


def test_half_years_and_years_stay_apart(server: LiveServer, tmp_path: Path) -> None:
    (wmo,) = [source for source in V4_SOURCES if source.source_id == "cbs_wmo_2019_2023"]
    rows = _read(server, wmo, tmp_path).rows
    one = rows.filter(
        pc.and_(pc.equal(rows["region_code"], "GM9901"), pc.equal(rows["item"], "Wmo-cliënten|A019507"))
    ).to_pylist()
    values = {row["period_code"]: row["value"] for row in one}
    assert {"2023H1", "2023H2", "2023"} < set(values)
    assert values["2023H1"] < values["2023"] < values["2023H1"] + values["2023H2"]


def test_every_age_up_to_22_is_one_row_of_the_young(server: LiveServer, tmp_path: Path) -> None:
    (young,) = [source for source in V4_SOURCES if source.source_id == "cbs_bevolking_jeugd"]
    rows = _read(server, young, tmp_path).rows
    here = pc.and_(pc.equal(rows["region_code"], "GM9901"), pc.equal(rows["period_code"], "2020"))
    ages = rows.filter(here)
    assert ages.num_rows == len(AGES) == 23
    assert set(ages["value"].to_pylist()) == {inhabitants("GM9901", 2020) // 90}


def test_an_edition_gives_its_figures_the_year_and_the_country_its_usual_code(
    server: LiveServer, tmp_path: Path
) -> None:
    (key_figures,) = [source for source in V4_SOURCES if source.source_id == "cbs_kerncijfers_wijken"]
    rows = _read(server, key_figures, tmp_path, place=0).rows
    assert set(rows["period_code"].to_pylist()) == {"2013"}
    regions = set(rows["region_code"].to_pylist())
    assert {"NL01", "GM9901", "WK990100"} < regions
    assert not {code for code in regions if code.startswith(("NL00", "BU"))}


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        ({"dimensions": ("TypeMaatwerkarrangement",)}, "TypeMaatwerkarrangement"),
        ({"dimensions": ()}, "TypeMaatwerkvoorziening"),
    ],
    ids=["a dimension that is called otherwise", "a dimension that nobody declared"],
)
def test_a_wrong_guess_at_a_dimension_refuses_the_table(
    server: LiveServer, tmp_path: Path, changed: dict[str, object], found: str
) -> None:
    (wmo,) = [source for source in V4_SOURCES if source.source_id == "cbs_wmo_detail"]
    result = _read(server, wmo.model_copy(update={"reader": wmo.reader.model_copy(update=changed)}), tmp_path)
    assert result.refused
    assert found in str(result.problems[0])


def test_what_nobody_confirmed_is_not_asked_with_so_that_a_wrong_guess_stops_no_run() -> None:
    unconfirmed = [source for source in V4_SOURCES if source.evidence == "unconfirmed"]
    for source in unconfirmed:
        assert isinstance(source.reader, CbsV4Reader)
        assert not [name for name in source.reader.dimensions if name in str(_connector(source).filter)]


@pytest.mark.parametrize(
    ("changed", "cause"),
    [
        ({"measures": ("Wmo-klanten",)}, "Wmo-klanten"),
        ({"filter": "TypeArrangement eq 'T001024'"}, "TypeArrangement"),
    ],
    ids=["a title", "a dimension in a filter"],
)
def test_a_wrong_guess_in_the_question_is_an_error_that_names_the_table(
    server: LiveServer, tmp_path: Path, changed: dict[str, object], cause: str
) -> None:
    (wmo,) = [source for source in V4_SOURCES if source.source_id == "cbs_wmo_detail"]
    guess = wmo.model_copy(update={"connector": wmo.connector.model_copy(update=changed)})
    with pytest.raises(SourceError, match=cause) as raised:
        _fetched(server, guess, tmp_path, "86050NED")
    assert raised.value.table == "86050NED"


def test_codes_that_the_table_does_not_have_leave_it_empty_and_that_is_refused(
    server: LiveServer, tmp_path: Path
) -> None:
    (youth,) = [source for source in V4_SOURCES if source.source_id == "cbs_jeugd"]
    guess = {"filter": "VormenVanJeugdzorg eq 'T000000'"}
    wrong = youth.model_copy(update={"connector": youth.connector.model_copy(update=guess)})
    result = _read(server, wrong, tmp_path)
    assert result.refused
    assert result.problems[0].reason == "empty_file"


@pytest.mark.shared_data
def test_the_real_population_comes_whole_through_its_slice(shared_data: Path, tmp_path: Path) -> None:
    (population,) = [source for source in V4_SOURCES if source.defines_regions]
    real = captured_table(shared_data / "cbs_v4" / "03759ned")
    with LiveServer({real.table: real}) as server:
        rows = _read(server, population, tmp_path).rows
    # Of every region but the twelve provinces, eight years of the measure that is declared.
    assert rows.num_rows == 13_568 // 2 - 12 * 8
    assert set(rows["item"].to_pylist()) == {"Bevolking op 1 januari"}
    found = {(row["region_code"], row["period_code"]): row["value"] for row in rows.to_pylist()}
    assert found["NL01", "2020"] == 17_407_585
    assert not {region for region, _ in found if region.startswith("PV")}


# -- the server itself -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "codes"),
    [
        ("RegioS eq 'GM9901'", ["GM9901"]),
        ("startswith(RegioS,'GM') and not (RegioS eq 'GM9901')", ["GM9902"]),
        ("RegioS in ('NL01','GM9902') or RegioS eq 'GM9901'", ["NL01", "GM9901", "GM9902"]),
        ("substringof('99',RegioS) and Perioden ge '2020JJ00'", ["GM9902"]),
        ("Value gt 5", ["GM9901", "GM9902"]),
        ("Value ne 10 and Value le 4", ["NL01"]),
        ("(Perioden ge '2020JJ00') and (Value ne null or RegioS ne null)", ["GM9902"]),
        ("Value eq null and not (Perioden eq null)", [None]),
    ],
)
def test_the_server_filters_as_it_is_asked_to(expression: str, codes: list[str | None]) -> None:
    rows: list[dict[str, Any]] = [
        {"RegioS": "NL01", "Perioden": "2019JJ00", "Value": 4},
        {"RegioS": "GM9901", "Perioden": "2019JJ00", "Value": 10},
        {"RegioS": "GM9902", "Perioden": "2020JJ00", "Value": 11.5},
        {"RegioS": None, "Perioden": "2021JJ00", "Value": None},
    ]
    assert [row["RegioS"] for row in rows if predicate(expression)(row)] == codes


@pytest.mark.parametrize(
    "expression", ["RegioS", "RegioS gt null", "RegioS like 'GM'", "RegioS eq 'GM' RegioS", "(RegioS eq 'GM'", "§"]
)
def test_the_server_refuses_a_filter_that_it_does_not_understand(expression: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        predicate(expression)


def test_third_party_tables_are_served_in_the_words_of_v3(live: Declarations) -> None:
    iv3 = live.source("cbs_iv3_2017")
    with LiveServer(live_tables([iv3])) as server:
        table = "/ODataFeed/odata/45038NED"
        chosen = "$filter=substringof('X005',Verslagsoort) and Gemeenten eq 'GM9901   '"
        rows = json.loads(server.answer(f"{table}/TypedDataSet?{chosen}&$format=json", {}).body)["value"]
        columns = json.loads(server.answer(f"{table}/DataProperties", {}).body)["value"]
        assert server.answer("/ODataFeed/odata/45038ned/TableInfos", {}).status == 404
    assert [column["Key"] for column in columns if "Unit" in column] == ["k_1ePlaatsing_1", "k_2ePlaatsing_2"]
    assert {(row["Gemeenten"], row["Verslagsoort"]) for row in rows} == {("GM9901   ", "2017X005")}
    assert all(row["k_2ePlaatsing_2"] == row["k_1ePlaatsing_1"] + 1 for row in rows)


def test_iv3_reads_the_same_whether_its_empty_cells_are_fetched_or_not(live: Declarations, tmp_path: Path) -> None:
    source = live.source("cbs_iv3_2023")
    connector = source.connector
    assert isinstance(connector, CbsV3Connector) and connector.skip_empty
    tables = live_tables([source])
    # Nothing was booked on most taakvelden, and nothing at all was delivered by one municipality.
    for observation in tables["45063NED"].observations:
        if observation["TaakveldBalanspost"].strip() > "6.3" or observation["Gemeenten"].strip() == "GM9902":
            observation["Value"] = None
    found = {}
    with LiveServer(tables) as server:
        address = server.environment()["NULMETING_CBS_V3_THIRD_URL"]
        for skips in (True, False):
            asked = connector.model_copy(update={"skip_empty": skips})
            with open_client(address, retry=NOW) as client:
                fetched = fetch_table_v3(client, asked, "45063NED", tmp_path / str(skips))
            found[skips] = fetched.rows, read_observations_v3(fetched.read_files(), source, "2023")
    (few, skipped), (many, whole) = found[True], found[False]
    assert 0 < few < many / 5
    assert skipped.rows.num_rows > 0 and skipped.rows.equals(whole.rows)
    assert (skipped.rows_loaded, skipped.problems) == (whole.rows_loaded, whole.problems)


def test_every_declared_table_is_one_of_v4_or_of_v3(live: Declarations) -> None:
    cbs = [source for source in live.sources if source.source_id.startswith("cbs_")]
    assert all(isinstance(source.connector, CbsV4Connector | CbsV3Connector) for source in cbs)
