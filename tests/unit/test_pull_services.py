"""Pulling a table: from the service that knows it, whole or not at all."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from filelock import FileLock

from pipelines.connectors.http import SourceError
from pipelines.pull.found import PullError
from pipelines.pull.services import Patience, Pulled, pull_table
from pipelines.settings import Settings
from tests import cbs_v3_server as v3
from tests.failing_pages import FOR_GOOD, IN_PASSING
from tests.servers import (
    BASE_PATH,
    PUBLISHER,
    QUICK,
    Fault,
    ReplayServer,
    codes,
    in_pages,
    listed,
    observation,
    replacing,
    small_table,
    truncating,
)

TABLE, TABLE_V3 = "00001ned", "00001NED"
PATIENCE = Patience(QUICK, QUICK, timeout_seconds=0.3)
SECOND = "Observations?$skip=2"


@pytest.fixture
def server() -> Iterator[ReplayServer]:
    """Six observations in three pages."""
    with ReplayServer({TABLE: small_table(TABLE, page_size=2)}) as server:
        yield server


@pytest.fixture
def wide() -> Iterator[v3.V3Server]:
    """Six rows of two topics in three pages."""
    with v3.V3Server({TABLE_V3: v3.small_table(TABLE_V3, page_size=2)}) as server:
        yield server


@pytest.fixture
def empty() -> Iterator[ReplayServer]:
    with ReplayServer({}) as server:
        yield server


def settings(data: Path, v4: str, cbs: str = "", third: str = "") -> Settings:
    nobody = "http://127.0.0.1:9"
    return Settings(data_dir=data, cbs_v4_url=v4, cbs_v3_url=cbs or nobody, cbs_v3_third_url=third or nobody)


def pull(server: ReplayServer, data: Path, table: str = TABLE, declared: str | None = None) -> Pulled:
    is_v3 = isinstance(server, v3.V3Server)
    return pull_table(
        settings(data, server.base_url, server.base_url), table, declared, "v3" if is_v3 else "v4", PATIENCE
    )


def rows(pulled: Pulled) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = pq.read_table(pulled.path).to_pylist()
    return found


def visible(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and ".lock" not in path.name]


def test_the_observations_of_a_v4_table_become_rows(server: ReplayServer, tmp_path: Path) -> None:
    pulled = pull(server, tmp_path)

    assert pulled.path == tmp_path / "pulled" / TABLE / "202606230000" / "observations.parquet"
    assert (pulled.observations, pulled.notices) == (6, ())
    assert rows(pulled)[1] == {
        "measure": "M000352",
        "RegioS": "GM0001",
        "Perioden": "2016HJ02",
        "value": 101.0,
        "value_attribute": "None",
        "string_value": None,
        "period_code": "2016H2",
        "period_status": "Voorlopig",
    }


def test_every_topic_of_every_row_of_a_v3_table_becomes_a_row(wide: v3.V3Server, tmp_path: Path) -> None:
    pulled = pull(wide, tmp_path, TABLE_V3)

    assert pulled.path == tmp_path / "pulled" / TABLE_V3 / "202606230200" / "observations.parquet"
    found = rows(pulled)
    assert len(found) == 12
    assert next(row for row in found if row["value"] is None) == {
        "measure": "k_2ePlaatsing_2",
        "Gemeenten": "GM0002",
        "Perioden": "2016KW02",
        "value": None,
        "value_attribute": "NotAvailable",
        "string_value": None,
        "period_code": "2016Q2",
        "period_status": "Voorlopig",
    }
    values = {(row["measure"], row["Gemeenten"], row["period_code"]): row["value"] for row in found}
    assert values["k_1ePlaatsing_1", "GM0003", "2015"] == 40


def test_a_text_data_set_gives_the_same_figures(wide: v3.V3Server, tmp_path: Path) -> None:
    typed = rows(pull(wide, tmp_path / "a", TABLE_V3))
    untyped = v3.small_table(TABLE_V3, v3.as_text(v3.ROWS), 2, "UntypedDataSet")
    with v3.V3Server({TABLE_V3: untyped}) as server:
        found = rows(pull(server, tmp_path / "b", TABLE_V3))
    assert [row["value"] for row in found] == [row["value"] for row in typed]
    assert {row["string_value"] for row in found if row["value"] is None} == {"."}


def test_numbers_that_stand_for_missing_figures_are_missing_and_told(tmp_path: Path) -> None:
    stand_ins = [v3.ROWS[0] | {"k_1ePlaatsing_1": -99997}, v3.ROWS[1] | {"k_1ePlaatsing_1": -99999.0}]
    with v3.V3Server({TABLE_V3: v3.small_table(TABLE_V3, stand_ins)}) as server:
        pulled = pull(server, tmp_path, TABLE_V3)
    assert pulled.notices == ("2 numbers from -99999 to -99990 are taken for missing figures; string_value holds them",)
    found = [(row["value"], row["value_attribute"], row["string_value"]) for row in rows(pulled)]
    assert found[:2] == [(None, "Confidential", "-99997"), (None, "NotAvailable", "-99999")]


def test_a_table_that_v4_does_not_know_is_looked_for_in_v3_and_then_among_third_parties(
    empty: ReplayServer, wide: v3.V3Server, tmp_path: Path
) -> None:
    first = pull_table(settings(tmp_path, empty.base_url, wide.base_url), TABLE_V3, patience=PATIENCE)
    with v3.V3Server({}) as none:
        third = settings(tmp_path / "b", empty.base_url, none.base_url, wide.base_url)
        second = pull_table(third, TABLE_V3, patience=PATIENCE)
        assert none.requests
    assert (first.observations, second.observations) == (12, 12)
    assert empty.asked("Properties")


def test_a_configured_address_is_asked_before_those_that_nobody_configured(wide: v3.V3Server, tmp_path: Path) -> None:
    # Nothing here can reach the publisher's own address: it would be asked in vain.
    pulled = pull_table(Settings(data_dir=tmp_path, cbs_v3_url=wide.base_url), TABLE_V3, patience=PATIENCE)
    assert pulled.service == "CBS OData v3"


def test_a_table_that_none_knows_is_wrong_use_and_told_how_ids_are_spelt(
    server: ReplayServer, wide: v3.V3Server, tmp_path: Path
) -> None:
    known = settings(tmp_path, server.base_url, wide.base_url, wide.base_url)
    with pytest.raises(PullError, match=r"00001Ned: found at none of .*case-sensitive \(03759ned") as caught:
        pull_table(known, "00001Ned", patience=PATIENCE)
    assert caught.value.exit_code == 2
    assert not visible(tmp_path)


def test_the_catalogue_tells_which_id_may_have_been_meant(wide: v3.V3Server, tmp_path: Path) -> None:
    with (
        ReplayServer({TABLE: small_table(TABLE)}) as server,
        pytest.raises(PullError, match="is 00001ned meant") as caught,
    ):
        server.paths[f"{BASE_PATH}/Datasets"] = codes(TABLE, "03759ned")
        pull_table(settings(tmp_path, server.base_url, wide.base_url, wide.base_url), "00001Ned", patience=PATIENCE)
    assert caught.value.exit_code == 2


def test_a_table_that_v4_does_not_know_while_v3_cannot_be_reached_is_told_so(
    empty: ReplayServer, tmp_path: Path
) -> None:
    with pytest.raises(PullError, match=r"does not know it, and CBS OData v3 .* could not be asked.*case-sensitive"):
        pull_table(settings(tmp_path, empty.base_url), TABLE, patience=PATIENCE)


def test_a_service_that_cannot_be_reached_is_no_reason_to_look_elsewhere(wide: v3.V3Server, tmp_path: Path) -> None:
    # Another service may have another table of this id, or the same one with other codes.
    with pytest.raises(SourceError, match="no connection could be made"):
        pull_table(settings(tmp_path, "http://127.0.0.1:9", wide.base_url), TABLE_V3, patience=PATIENCE)
    assert not wide.requests


@pytest.mark.parametrize("table", ["..", "a/b", "", "%2e", "a b"])
def test_an_id_that_would_lead_away_is_never_asked_for(server: ReplayServer, tmp_path: Path, table: str) -> None:
    with pytest.raises(PullError, match="expected letters and digits") as caught:
        pull(server, tmp_path, table)
    assert caught.value.exit_code == 2
    assert not server.requests


def test_a_filter_reaches_the_server_and_codes_of_v3_are_padded(
    server: ReplayServer, wide: v3.V3Server, tmp_path: Path
) -> None:
    text = "RegioS eq 'GM0001' and startswith(Perioden,'2015')"
    pull(server, tmp_path, declared=text)
    assert server.asked("Observations")[0].options == {"$filter": text}

    pulled = pull(wide, tmp_path, TABLE_V3, "Gemeenten eq 'GM0001' or Gemeenten eq 'GM0009'")
    asked = wide.asked("TypedDataSet")[0].options["$filter"]
    assert asked == "Gemeenten eq 'GM0001   ' or Gemeenten eq 'GM0009'"
    assert pulled.notices == ("no code of the table is meant by Gemeenten eq 'GM0009'",)


def test_a_part_in_the_place_of_the_whole_is_noticed(server: ReplayServer, tmp_path: Path) -> None:
    pull(server, tmp_path)
    pulled = pull(server, tmp_path, declared="RegioS eq 'GM0001'")
    assert pulled.notices == ("replaced an earlier file of this vintage, which held all of the table",)


def test_a_server_that_holds_a_part_only_is_a_notice(tmp_path: Path) -> None:
    with ReplayServer({TABLE: small_table(TABLE, properties={"ObservationCount": 100_000_000})}) as server:
        pulled = pull(server, tmp_path)
    assert pulled.notices == ("found 6 observations, expected the 100000000 that the table announces",)


@pytest.mark.parametrize(
    ("properties", "vintage"),
    [
        ({"Version": None}, "202606230000"),
        ({"Version": "2026/07 (b)"}, "2026-07-b"),
        ({"Version": None, "Modified": "2026-06-23T06:30:00.123+02:00"}, "202606230630"),
        ({"Version": None, "Modified": None}, "fetched-20260701"),
        ({"Version": "../..", "Modified": None}, "fetched-20260701"),
    ],
)
def test_the_vintage_is_what_the_publisher_calls_it(tmp_path: Path, properties: dict[str, Any], vintage: str) -> None:
    with ReplayServer({TABLE: small_table(TABLE, properties=properties)}) as server:
        here = settings(tmp_path, server.base_url).model_copy(update={"today": dt.date(2026, 7, 1)})
        pulled = pull_table(here, TABLE, patience=PATIENCE)
    assert pulled.path.parent.name == vintage


BARE = ("Properties", "Dimensions", "MeasureCodes")


def test_a_server_may_leave_out_what_is_not_needed(tmp_path: Path) -> None:
    table = {name: body for name, body in small_table(TABLE).items() if name in BARE or name.startswith("Obs")}
    table["Properties"] = b'{"Identifier": "00001ned"}'
    table["Dimensions"] = codes("RegioS", "Perioden")
    with ReplayServer({TABLE: table}) as server:
        found = rows(pull(server, tmp_path))
    assert len(found) == 6
    assert {row["period_status"] for row in found} == {None}
    assert {row["period_code"] for row in found} == {"2015", "2016H2"}


def table_of(dimensions: bytes, *observations: dict[str, Any], **lists: bytes) -> dict[str, bytes]:
    pages = in_pages(TABLE, json.dumps({"value": observations}).encode(), 2) or {"Observations": listed()}
    return small_table(TABLE) | {"Dimensions": dimensions} | pages | lists


def bare(number: int, **fields: Any) -> dict[str, Any]:
    return {"Id": number, "Measure": "M1 ", "ValueAttribute": "None", "Value": number, "StringValue": None} | fields


def test_any_dimensions_will_do(tmp_path: Path) -> None:
    dimensions = listed(
        {"Identifier": "Tijd_2", "Kind": "TimeDimension"},
        {"Identifier": "value", "Kind": "Dimension"},
        {"Identifier": "Éénheid_", "Kind": "Dimension"},
    )
    observations = [
        bare(1, Tijd_2="2019SJ00", value=" a", **{"Éénheid_": "ß"}),
        bare(2, Tijd_2="20190101", value="b ", **{"Éénheid_": "ß"}),
        bare(3, Tijd_2="2019X005", value="b", **{"Éénheid_": "ß"}),
    ]
    statuses = listed({"Identifier": "2019SJ00", "Status": " Voorlopig"})
    with ReplayServer({TABLE: table_of(dimensions, *observations, Tijd_2Codes=statuses)}) as server:
        found = rows(pull(server, tmp_path))
    assert [row["period_code"] for row in found] == ["2019SJ", "2019-01-01", "2019X005"]
    assert [row["period_status"] for row in found] == ["Voorlopig", None, None]
    assert [row["value_"] for row in found] == ["a", "b", "b"]
    assert [row["value"] for row in found] == [1, 2, 3]
    assert {row["measure"] for row in found} == {"M1"}


@pytest.mark.parametrize("observations", [[], [bare(1)]])
def test_a_table_may_be_empty_and_may_have_no_dimensions(tmp_path: Path, observations: list[dict[str, Any]]) -> None:
    with ReplayServer({TABLE: table_of(listed(), *observations)}) as server:
        pulled = pull(server, tmp_path)
    assert [row["period_code"] for row in rows(pulled)] == [None] * len(observations)


@pytest.mark.parametrize(
    ("fields", "value", "text"),
    [
        ({"Value": "12.5"}, 12.5, None),
        ({"Value": "geheim "}, None, "geheim"),
        ({"Value": None, "StringValue": "   . "}, None, "."),
        ({"Value": float("nan")}, None, "nan"),
    ],
)
def test_what_is_no_number_stands_as_a_text(tmp_path: Path, fields: dict[str, Any], value: Any, text: str) -> None:
    observations = [bare(0, RegioS="NL01"), bare(1, RegioS="NL01", **fields)]
    with ReplayServer({TABLE: table_of(codes("RegioS"), *observations)}) as server:
        first, second = rows(pull(server, tmp_path))
    assert (first["value"], first["string_value"]) == (0, None)
    assert (second["value"], second["string_value"]) == (value, text)


@pytest.mark.parametrize("faults", IN_PASSING)
def test_a_page_that_fails_in_passing_ends_in_the_right_rows(
    server: ReplayServer, wide: v3.V3Server, tmp_path: Path, faults: list[Fault]
) -> None:
    server.fail(SECOND, *faults)
    wide.fail("TypedDataSet?$skip=2", *faults)
    assert [row["value"] for row in rows(pull(server, tmp_path))] == [100, 101, 102, 103, 104, 105]
    assert pull(wide, tmp_path, TABLE_V3).observations == 12
    assert len(server.asked("Observations")) == 3 + len(faults)


def page(*numbers: int, link: str | None = None) -> bytes:
    observations = json.loads(small_table(page_size=6)["Observations"])["value"]
    found = {"value": [observations[number] for number in numbers]}
    return json.dumps(found | ({"@odata.nextLink": link} if link else {})).encode()


@pytest.mark.parametrize(
    ("fault", "cause"),
    [
        *FOR_GOOD,
        pytest.param(replacing(page(0, 1)), "the rows of page 1 came again", id="repeated page"),
        pytest.param(replacing(page(1, 2)), "row 1 came a second time", id="overlapping page"),
        pytest.param(
            replacing(page(2, 3, link=f"{PUBLISHER}/{TABLE}/Observations?$skip=2")), "loops back to page 2", id="loop"
        ),
        pytest.param(
            replacing(page(2, 3, link=f"{PUBLISHER}/00002ned/Observations?$skip=2")), "leads elsewhere", id="elsewhere"
        ),
        pytest.param(
            replacing(page(2, 3).replace(b"RegioS", b"Regios")),
            "the columns changed.*missing: RegioS; unknown: Regios",
            id="renamed column",
        ),
        pytest.param(
            replacing(page(2, 3).replace(b'"RegioS": "GM0002", "Perioden": "2016HJ02"', b'"Perioden": "2016HJ02"')),
            "the columns changed: found an observation without RegioS",
            id="column lost in mid-page",
        ),
        pytest.param(
            replacing(page(2, 3)[:-2] + b',{"Id": 9, "Nieuw": 1}]}'),
            "the columns changed.*unknown: Nieuw",
            id="new column",
        ),
    ],
)
def test_a_page_that_fails_for_good_names_table_page_and_cause_and_leaves_nothing(
    server: ReplayServer, tmp_path: Path, fault: Fault, cause: str
) -> None:
    server.fail(SECOND, *[fault] * 4)
    with pytest.raises(SourceError, match=rf"CBS table {TABLE}, Observations, page 2: .*{cause}"):
        pull(server, tmp_path)
    assert not visible(tmp_path)


def test_a_wide_page_that_fails_for_good_names_table_page_and_cause(wide: v3.V3Server, tmp_path: Path) -> None:
    wide.fail("TypedDataSet?$skip=4", *[truncating()] * 4)
    with pytest.raises(SourceError, match=rf"CBS table {TABLE_V3}, TypedDataSet, page 3: the JSON is broken off"):
        pull(wide, tmp_path, TABLE_V3)
    assert not visible(tmp_path)


def test_a_table_published_anew_in_the_meantime_is_refused(
    server: ReplayServer, wide: v3.V3Server, tmp_path: Path
) -> None:
    renewed = server.tables[TABLE]["Properties"].replace(b"202606230000", b"202606240000")
    server.fail("Properties", lambda answer: answer, replacing(renewed))
    with pytest.raises(SourceError, match=r"published anew.*202606230000, then 202606240000"):
        pull(server, tmp_path)
    later = replacing(v3.listed(v3.table_info(TABLE_V3, "2027-01-01T00:00:00")))
    wide.fail("TableInfos", lambda answer: answer, later)
    with pytest.raises(SourceError, match=r"published anew"):
        pull(wide, tmp_path, TABLE_V3)
    assert not visible(tmp_path)


def test_a_table_that_is_only_described_is_told(tmp_path: Path) -> None:
    table = {name: body for name, body in small_table(TABLE).items() if not name.startswith("Observations")}
    with ReplayServer({TABLE: table}) as server, pytest.raises(SourceError, match="does not give its observations"):
        pull(server, tmp_path)


def test_two_cannot_pull_the_same_table_at_once(server: ReplayServer, tmp_path: Path) -> None:
    folder = tmp_path / "pulled" / TABLE
    folder.mkdir(parents=True)
    with FileLock(folder / ".lock"), pytest.raises(PullError, match="another process"):
        pull(server, tmp_path)
    assert pull(server, tmp_path).observations == 6


def test_an_observation_of_the_small_table_is_as_cbs_writes_it() -> None:
    assert set(bare(1)) == set(observation(1, None, None)) - {"RegioS", "Perioden"}
