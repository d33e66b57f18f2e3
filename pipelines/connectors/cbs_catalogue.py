"""The catalogues of CBS: which tables there are, since when they are as they are, and whether they are still kept up.

What belongs here: the catalogues of OData v4 (`Datasets`) and v3 (`ODataCatalog/Tables`) as one list. What does not:
the tables themselves (`cbs_v4`), and what the declarations have to do with them (`doctor_sources`).
"""

from __future__ import annotations

import datetime as dt
import itertools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from pipelines.connectors.http import CbsClient, RetryPolicy, open_client
from pipelines.connectors.odata_json import list_in
from pipelines.connectors.paging import PageTrail
from pipelines.settings import SetupError

_DISCONTINUED = frozenset({"Gediscontinueerd", "Vervallen"})
_NUMBER = re.compile(r"[0-9]+")


@dataclass(frozen=True)
class CatalogueEntry:
    """What a catalogue says of one table. `period` is the publisher's own description, which v4 does not give."""

    table: str
    title: str
    modified: dt.datetime | None
    status: str | None
    period: str | None
    url: str

    @property
    def is_discontinued(self) -> bool:
        """Whether the publisher adds nothing to it any more."""
        return self.status in _DISCONTINUED


@dataclass(frozen=True)
class Catalogue:
    """All tables of one service, by their exact ids."""

    url: str
    entries: Mapping[str, CatalogueEntry]

    def find(self, table: str) -> CatalogueEntry | None:
        """The table of exactly this id: they differ in capitals (`03759ned`, `85043NED`)."""
        return self.entries.get(table)

    def near(self, table: str) -> tuple[str, ...]:
        """The ids that may have been meant: the same in other letters, else those of the same number.

        Another number is another table, however much the two look alike.
        """
        same = [known for known in self.entries if known.casefold() == table.casefold()]
        number = _NUMBER.match(table)
        if same or number is None:
            return tuple(same)
        return tuple(known for known in self.entries if (found := _NUMBER.match(known)) and found[0] == number[0])


def fetch_v4_catalogue(
    cbs_v4_url: str, *, retry: RetryPolicy | None = None, timeout_seconds: float = 60.0
) -> Catalogue:
    """The catalogue of OData v4 beside the tables under `cbs_v4_url`. Raises SourceError, and SetupError."""
    base = cbs_v4_url.rstrip("/")
    parent, _, name = base.rpartition("/")
    if not urlsplit(base).path:
        raise SetupError(f"found {cbs_v4_url!r}, expected an address such as https://host/odata/v1/CBS")

    def entry(document: Mapping[str, Any]) -> CatalogueEntry:
        return CatalogueEntry(
            table=_text(document, "Identifier") or "",
            title=_text(document, "Title") or "",
            modified=_moment(document.get("Modified")),
            status=_text(document, "Status"),
            period=None,
            url=f"{base}/{_text(document, 'Identifier')}",
        )

    # Without the descriptions: they are nearly all of it.
    query = "$select=Identifier,Title,Modified,Status"
    with open_client(parent, retry=retry, timeout_seconds=timeout_seconds) as client:
        return Catalogue(f"{base}/Datasets", _tables(client, name, "Datasets", query, entry))


def fetch_v3_catalogue(
    cbs_v3_url: str, *, retry: RetryPolicy | None = None, timeout_seconds: float = 60.0
) -> Catalogue:
    """The catalogue of OData v3 on a host, CBS's own or that of third parties. Raises SourceError, and SetupError."""
    base = cbs_v3_url.rstrip("/")

    def entry(document: Mapping[str, Any]) -> CatalogueEntry:
        table = _text(document, "Identifier") or ""
        return CatalogueEntry(
            table=table,
            title=_text(document, "Title") or "",
            modified=_moment(document.get("Modified")),
            status=_text(document, "OutputStatus"),
            period=_text(document, "Period"),
            url=_text(document, "FeedUrl") or f"{base}/ODataFeed/odata/{table}",
        )

    with open_client(base, retry=retry, timeout_seconds=timeout_seconds) as client:
        tables = _tables(client, "ODataCatalog", "Tables", "$format=json", entry)
        return Catalogue(f"{base}/ODataCatalog/Tables", tables)


def _tables(
    client: CbsClient,
    service: str,
    resource: str,
    query: str,
    entry: Callable[[Mapping[str, Any]], CatalogueEntry],
) -> dict[str, CatalogueEntry]:
    def read(payload: bytes) -> tuple[list[CatalogueEntry], object]:
        values, link = list_in(payload)
        return [entry(value) for value in values], link

    trail = PageTrail(service, resource, query, always=query)
    tables: dict[str, CatalogueEntry] = {}
    for page in itertools.count(1):
        _, (found, link) = client.get(service, resource, read, query=query, page=page)
        trail.saw(page, tuple(table.table for table in found))
        tables |= {table.table: table for table in found if table.table}
        if link is None:
            return tables
        query = trail.next_query(page, link)
    raise AssertionError("counting ended")


def _text(document: Mapping[str, Any], name: str) -> str | None:
    value = document.get(name)
    return str(value).strip() or None if value is not None else None


def _moment(text: object) -> dt.datetime | None:
    """A date that cannot be read is none: of thousands of tables, one may have an odd one."""
    try:
        return dt.datetime.fromisoformat(str(text))
    except ValueError:
        return None
