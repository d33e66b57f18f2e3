"""The bundled tables answer through the same client as the real ones."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from pipelines.connectors.cbs_v4 import FetchedTable, fetch_table
from pipelines.connectors.http import SourceError, TableNotFound, open_client
from pipelines.connectors.sample import sample_transport
from pipelines.declarations.source import CbsV4Connector
from pipelines.settings import PROJECT_ROOT
from tests.servers import small_table

BUNDLED = PROJECT_ROOT / "sources" / "sample" / "voorbeeldland" / "cbs_v4"
BASE = "https://datasets.cbs.nl/odata/v1/CBS"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One table in two pages, as the sample lays it out."""
    table = tmp_path / "cbs_v4" / "VB99NED"
    table.mkdir(parents=True)
    for resource, content in small_table("VB99NED", page_size=4).items():
        (table / f"{resource.replace('?$skip=', '-skip-')}.json").write_bytes(content)
    return tmp_path / "cbs_v4"


def fetch(folder: Path, table: str, into: Path, where: str | None = None) -> FetchedTable:
    connector = CbsV4Connector(kind="cbs_v4", table=table, filter=where)
    with open_client(BASE, sample_transport(folder)) as client:
        return fetch_table(client, connector, into)


def test_a_bundled_table_is_fetched_page_by_page_in_its_exact_bytes(folder: Path, tmp_path: Path) -> None:
    fetched = fetch(folder, "VB99NED", tmp_path / "into")

    assert (fetched.rows, fetched.pages) == (6, 2)
    bundled = (folder / "VB99NED" / "Observations-skip-4.json").read_bytes()
    assert fetched.read_files()["Observations-0002.json"] == bundled


def test_a_table_whose_folder_is_gone_does_not_exist(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(TableNotFound, match="VB98NED"):
        fetch(folder, "VB98NED", tmp_path / "into")


def test_a_page_whose_file_is_gone_is_an_error(folder: Path, tmp_path: Path) -> None:
    (folder / "VB99NED" / "Observations-skip-4.json").unlink()
    with pytest.raises(SourceError, match="Observations, page 2: not found"):
        fetch(folder, "VB99NED", tmp_path / "into")


def test_the_sample_does_not_pretend_to_filter(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"the bundled sample cannot answer \$filter"):
        fetch(folder, "VB99NED", tmp_path / "into", where="RegioS eq 'GM0001'")


@pytest.mark.parametrize(
    "path", ["../Properties", "..%2F/Properties", "VB99NED/..%2F..%2FProperties", "%2e%2e/Properties"]
)
def test_nothing_outside_the_folder_is_served(folder: Path, path: str) -> None:
    (folder.parent / "Properties.json").write_text("{}")
    (folder / "Properties.json").write_text("{}")
    answer = sample_transport(folder).handle_request(httpx.Request("GET", f"{BASE}/{path}"))
    assert answer.status_code == 404


@pytest.mark.parametrize("table", sorted(path.name for path in BUNDLED.glob("*")))
def test_every_bundled_table_comes_whole(table: str, tmp_path: Path) -> None:
    fetched = fetch(BUNDLED, table, tmp_path / "into")
    assert fetched.rows == fetched.properties.observation_count
