"""The bulk file of a table: it comes whole, however often the line breaks, and gives the rows that OData gives."""

from __future__ import annotations

import datetime as dt
import io
import json
import struct
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from pipelines.connectors import cbs_bulk as bulk_module
from pipelines.connectors.cbs_bulk import NoBulkFile, bulk_url, fetch_bulk
from pipelines.connectors.cbs_v4 import FetchedTable
from pipelines.connectors.http import SourceError, open_client
from pipelines.declarations.source import CbsV4Connector, CbsV4Reader, Source
from pipelines.readers import cbs_bulk as reader_module
from pipelines.readers.account import ReadResult
from pipelines.readers.cbs_v4 import read_observations, read_region_codes
from tests.cbs_sources import source_of
from tests.servers import QUICK, Answer, BulkServer, bulk_file, listed, observation, shared_tables, small_table

TABLE = "00001ned"


def source(measures: tuple[str, ...] = (), **reader: Any) -> Source:
    return source_of(
        CbsV4Connector(kind="cbs_v4", table=TABLE, bulk=True, measures=measures),
        CbsV4Reader(kind="cbs_v4", **reader),
    )


def packed(*rows: Mapping[str, Any], **lists: bytes) -> bytes:
    """The small table with these observations, as a bulk file."""
    return bulk_file(small_table(TABLE, rows) | lists)


def repacked(data: bytes, **files: bytes | None) -> bytes:
    """A bulk file with other contents in some of its files; None takes one out."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        contents: dict[str, bytes | None] = {name: old.read(name) for name in old.namelist()}
        for name, content in (contents | {f"{name}.csv": content for name, content in files.items()}).items():
            if content is not None:
                new.writestr(name, content)
    return made.getvalue()


def read(data: bytes, declared: Source | None = None) -> ReadResult:
    return read_observations({f"{TABLE}.zip": data}, declared or source())


@pytest.fixture
def server() -> Iterator[BulkServer]:
    # Descriptions that cannot be packed make a file of some size, so that it comes in several pieces.
    noise = "".join(chr(33 + (7919 * number * number) % 5003) for number in range(200_000))
    with BulkServer({TABLE: bulk_file(small_table(TABLE), {"RegioSGroups.csv": noise})}) as server:
        yield server


def fetch(server: BulkServer, into: Path, table: str = TABLE) -> FetchedTable:
    with open_client(server.base_url, retry=QUICK, timeout_seconds=2) as client:
        return fetch_bulk(client, table, into)


# What is in the file


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("table", "reader"),
    [
        ("03759ned", {}),
        ("37789ksz", {"region_dimension": None}),
        ("82610NED", {"region_dimension": None, "dimensions": ("BronTechniek",)}),
        ("85770NED", {"region_dimension": None, "dimensions": ("Afzetgebieden", "AlleProdComCoderingen")}),
    ],
)
def test_real_tables_give_the_same_rows_and_regions_as_odata(
    shared_data: Path, table: str, reader: dict[str, Any]
) -> None:
    answers = shared_tables(shared_data / "cbs_v4")[table]
    declared = source(**reader)
    over_odata = {f"{name}.json": content for name, content in answers.items()}
    in_bulk = {f"{table}.zip": bulk_file(answers)}

    result = read_observations(in_bulk, declared)

    assert result.rows.equals(read_observations(over_odata, declared).rows)
    assert (result.rows_quarantined, result.refused) == (0, False)
    columns = ["region_code", "region_name"]
    assert (
        read_region_codes(in_bulk, declared)
        .select(columns)
        .equals(read_region_codes(over_odata, declared).select(columns))
    )


def test_a_decimal_comma_and_the_columns_own_order_are_read() -> None:
    rows = [
        observation(0, "GM0001", "2015JJ00", Value=1019.8),
        observation(1, "GM0002", "2015JJ00", Value=None, ValueAttribute="Impossible", StringValue="   . "),
        observation(2, "GM0003", "2015JJ00", Value=-0.5),
    ]
    data = packed(*rows)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        lines = archive.read("Observations.csv").decode("utf-8-sig").splitlines()
    assert lines[:2] == [
        "Id;Measure;RegioS;Perioden;Value;StringValue;ValueAttribute",
        "0;M000352;GM0001;2015JJ00;1019,8;;None",
    ]

    found = read(data).rows.to_pylist()

    assert [(row["value"], row["value_attribute"], row["string_value"]) for row in found] == [
        (1019.8, "None", None),
        (None, "Impossible", "."),
        (-0.5, "None", None),
    ]


def test_line_ends_and_a_byte_order_mark_do_not_matter() -> None:
    data = packed()
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        plain = {name: archive.read(name).removeprefix(b"\xef\xbb\xbf") for name in archive.namelist()}
    unix = {name.removesuffix(".csv"): content.replace(b"\r\n", b"\n") for name, content in plain.items()}
    assert read(repacked(data, **unix)).rows.equals(read(data).rows)


def test_text_over_several_lines_belongs_to_its_field() -> None:
    regions = listed(
        {"Identifier": "GM0001", "Title": "Aap", "Description": 'Eerste;\r\n"tweede" regel\r\n'},
        {"Identifier": "GM0002", "Title": "Noot", "Description": None},
        {"Identifier": "GM0003", "Title": "Mies", "Description": ""},
    )
    codes = read_region_codes({f"{TABLE}.zip": packed(RegioSCodes=regions)}, source())
    assert codes["region_code"].to_pylist() == ["GM0001", "GM0002", "GM0003"]
    assert codes["description"].to_pylist() == ['Eerste;\r\n"tweede" regel\r\n', None, None]


def test_only_the_declared_measures_are_taken_and_a_problem_names_the_line_in_the_file() -> None:
    measures = listed(
        {"Identifier": "M1", "Title": "Inwoners", "Unit": "aantal"},
        {"Identifier": "M2", "Title": "Huishoudens", "Unit": "aantal"},
    )
    rows = [
        observation(number, region, "2015JJ00", Measure=measure)
        for number, (region, measure) in enumerate(
            [("GM0001", "M1"), ("GM0001", "M2"), ("GM0002", "M1"), ("GM9999", "M2")]
        )
    ]
    result = read(packed(*rows, MeasureCodes=measures), source(measures=("Huishoudens", "Woningen")))
    assert result.rows["row_id"].to_pylist() == [1]
    assert (result.rows_in, result.rows_quarantined) == (2, 1)
    assert str(result.problems[0]).startswith(f"{TABLE}/Observations.csv:5 (RegioS): found 'GM9999'")
    assert result.notices == (f"{TABLE}: no measure is called 'Woningen'",)


def test_a_value_that_is_no_number_is_quarantined_as_it_was_written() -> None:
    rows = packed(observation(0, "GM0001", "2015JJ00", Value="1.019,8"), observation(1, "GM0002", "2015JJ00"))
    result = read(rows)
    assert result.rows["row_id"].to_pylist() == [1]
    assert (result.problems[0].reason, result.problems[0].found) == ("not_a_number", "'1.019,8'")


@pytest.mark.parametrize(
    ("data", "reason", "found"),
    [
        pytest.param(b"PK no zip", "unknown_format", "not a zip file", id="no zip"),
        pytest.param(repacked(packed(), Observations=None), "unknown_format", "Properties.csv", id="no observations"),
        pytest.param(repacked(packed(), MeasureCodes=None), "unknown_format", "no MeasureCodes.csv", id="no measures"),
        pytest.param(
            repacked(packed(), Observations=b"Id;Measure;ValueAttribute;Value;StringValue;Perioden\r\n"),
            "missing_column",
            "missing: RegioS",
            id="a column less",
        ),
        pytest.param(
            repacked(packed(), Observations=b"Id;Measure;ValueAttribute;Value;StringValue;RegioS;Perioden\r\n"),
            "empty_file",
            "no observations",
            id="no rows",
        ),
        pytest.param(
            repacked(packed(), Observations=b"Id;Measure;ValueAttribute;Value;StringValue;RegioS;Perioden\r\n1;M\r\n"),
            "unknown_format",
            "Expected 7 columns, got 2",
            id="a broken row",
        ),
        pytest.param(
            repacked(packed(), MeasureCodes="Identifier;Title\r\nM1;Caf\xe9\r\n".encode("latin-1")),
            "unknown_format",
            "UTF8",
            id="another encoding",
        ),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_with_its_reason(data: bytes, reason: str, found: str) -> None:
    result = read(data)
    assert result.refused
    (problem,) = result.problems
    assert problem.reason == reason
    assert found in problem.found
    assert problem.file.startswith(TABLE)


def test_a_file_that_unpacks_to_very_much_more_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = repacked(packed(), RegioSGroups=b"0" * 1_000_000)
    monkeypatch.setattr(reader_module, "_LARGE", 50_000)
    result = read(bomb)
    assert result.refused
    assert "RegioSGroups.csv with 1000000 bytes packed into" in result.problems[0].found
    monkeypatch.setattr(reader_module, "MOST_BYTES", 500)
    assert "bytes unpacked, expected at most 500" in str(read(packed()).problems[0])


def test_a_file_that_says_it_is_smaller_than_it_is_is_refused() -> None:
    data = bytearray(packed())
    # The size that stands in the directory at the end, where the observations begin.
    place = data.rindex(b"PK\x01\x02", 0, data.rindex(b"Observations.csv"))
    data[place + 24 : place + 28] = struct.pack("<I", 40)
    assert read(bytes(data)).refused


# How it comes


def test_a_file_comes_in_its_exact_bytes_with_what_it_says_of_itself(server: BulkServer, tmp_path: Path) -> None:
    fetched = fetch(server, tmp_path)
    assert fetched.read_files() == {f"{TABLE}.zip": server.files[TABLE]}
    assert (fetched.rows, fetched.version, fetched.modified) == (6, "202606230000", dt.date(2026, 6, 23))
    assert [path.name for path in tmp_path.iterdir()] == [f"{TABLE}.zip"]
    assert server.requests[0]["Accept-Encoding"] == "identity"


def test_a_download_that_breaks_goes_on_where_it_broke(server: BulkServer, tmp_path: Path) -> None:
    size = len(server.files[TABLE])
    server.breaks.extend([size // 3, size // 3])

    assert fetch(server, tmp_path).read_files() == {f"{TABLE}.zip": server.files[TABLE]}

    assert [request.get("Range") for request in server.requests] == [
        None,
        f"bytes={size // 3}-",
        f"bytes={size // 3 * 2}-",
    ]
    assert "If-Range" in server.requests[1]


@pytest.mark.parametrize("lacks", [{"ranges": False}, {"etag": False}])
def test_where_the_rest_cannot_be_had_or_told_from_another_file_s_it_begins_anew(
    lacks: dict[str, bool], tmp_path: Path
) -> None:
    data = bulk_file(small_table(TABLE), {"RegioSGroups.csv": str(list(range(50_000)))})
    with BulkServer({TABLE: data}, **lacks) as server:
        server.breaks.extend([len(data) // 2, len(data) // 4])
        assert fetch(server, tmp_path).read_files() == {f"{TABLE}.zip": data}


def test_a_file_that_is_replaced_in_the_meantime_is_never_mixed_with_the_old_one(
    server: BulkServer, tmp_path: Path
) -> None:
    old = server.files[TABLE]
    server.breaks.append(len(old) // 2)
    new = repacked(old, LinkProvenances=b"Id\r\n")
    answer = server.answer

    def replaced(target: str, headers: Mapping[str, str]) -> Answer:
        found = answer(target, headers)
        server.files[TABLE] = new
        return found

    server.answer = replaced  # type: ignore[method-assign]
    assert fetch(server, tmp_path).read_files() == {f"{TABLE}.zip": new}
    assert "Range" in server.requests[1]


def test_a_download_that_breaks_every_time_is_given_up_and_leaves_no_file(server: BulkServer, tmp_path: Path) -> None:
    server.breaks.extend([100] * 20)
    with pytest.raises(SourceError, match=rf"CBS table {TABLE}, bulk file: .*tried 4 times"):
        fetch(server, tmp_path)
    assert not (tmp_path / f"{TABLE}.zip").exists()


def test_a_table_without_a_bulk_file_is_told_apart(server: BulkServer, tmp_path: Path) -> None:
    with pytest.raises(NoBulkFile, match=r"CBS table 00002ned, bulk file: not found \(404\)"):
        fetch(server, tmp_path, "00002ned")


def test_a_file_larger_than_any_may_be_is_not_taken_in(
    server: BulkServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk_module, "LARGEST_FILE", 1000)
    with pytest.raises(SourceError, match="larger than 1000 bytes"):
        fetch(server, tmp_path)


@pytest.mark.parametrize(
    ("data", "cause"),
    [
        pytest.param(b"<html><title>Onderhoud</title>", "found an HTML page titled 'Onderhoud'", id="HTML"),
        pytest.param(b"", "not a zip file", id="nothing"),
        pytest.param(packed()[:-30], "not a zip file", id="the end is missing"),
        pytest.param(
            repacked(packed(), Properties=b"Identifier;ObservationCount\r\n00001ned;7\r\n"),
            "found 6 observations, expected the 7",
            id="fewer observations than it says",
        ),
        pytest.param(
            packed(observation(3, "GM0001", "2015JJ00"), observation(3, "GM0002", "2015JJ00")),
            "observation 3 stands in Observations.csv twice",
            id="twice",
        ),
        pytest.param(
            repacked(packed(), Properties=b"Identifier;ObservationCount\r\n00002ned;6\r\n"),
            "found the properties of table '00002ned'",
            id="another table",
        ),
        pytest.param(
            packed(observation(0, "GM0001", "2015JJ00", Id="zeven")), "Failed to parse string: 'zeven'", id="no number"
        ),
    ],
)
def test_a_file_that_did_not_come_whole_is_refused_with_table_and_cause(
    data: bytes, cause: str, tmp_path: Path
) -> None:
    with (
        BulkServer({TABLE: data}) as server,
        pytest.raises(SourceError, match=rf"CBS table {TABLE}, bulk file: .*{cause}"),
    ):
        fetch(server, tmp_path)


_WHOLE = packed()


@settings(deadline=None, max_examples=60)
@given(place=st.integers(0, len(_WHOLE) - 1), bit=st.integers(0, 7))
def test_one_bit_that_fell_over_is_found_or_changes_nothing(place: int, bit: int) -> None:
    data = bytearray(_WHOLE)
    data[place] ^= 1 << bit
    result = read(bytes(data))
    # A bit of the time at which a file was packed, for one.
    assert result.refused or result.rows.equals(read(_WHOLE).rows)


@pytest.mark.parametrize(
    ("modified", "day"),
    [("01-01-0001 00:00:00", None), ("23-06-2026 00:00:00", dt.date(2026, 6, 23)), ("", None)],
)
def test_dates_are_read_as_they_stand_in_such_files_and_the_first_of_all_days_is_none(
    modified: str, day: dt.date | None, tmp_path: Path
) -> None:
    document = json.loads(small_table(TABLE)["Properties"]) | {"Modified": modified}
    with BulkServer({TABLE: packed(Properties=json.dumps(document).encode())}) as server:
        assert fetch(server, tmp_path).modified == day


def test_the_files_stand_on_the_host_of_the_odata_service() -> None:
    assert bulk_url("https://datasets.cbs.nl/odata/v1/CBS") == "https://datasets.cbs.nl/csv/CBS/nl"


def test_a_bulk_file_with_a_filter_is_no_declaration() -> None:
    with pytest.raises(ValidationError, match="a file of the whole table has no filter"):
        CbsV4Connector(kind="cbs_v4", table=TABLE, bulk=True, filter="RegioS eq 'NL01'")
