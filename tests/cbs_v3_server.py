"""A publisher's OData v3 services on this machine, for tests: ODataFeed and ODataApi, with their failures.

Tables are bytes by service, id and resource: `tables["ODataFeed"]["80137ned"]["TypedDataSet"]`; a further page stands
under the query by which it is asked for: `TypedDataSet?$skip=10000`. The root of a table has the empty name. Faults
are laid out as for `tests.servers.ReplayServer`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.servers import Answer, ReplayServer, Request

PUBLISHER = "https://opendata.cbs.nl/ODataFeed/OData"
FEED, API = "ODataFeed", "ODataApi"

Resources = Mapping[str, bytes]


class V3Server(ReplayServer):
    """A context manager; while it is open, `base_url` answers like the host opendata.cbs.nl."""

    def __init__(self, feed: Mapping[str, Resources], api: Mapping[str, Resources] | None = None) -> None:
        super().__init__({})
        self.services = {FEED: feed, API: api or {}}

    @property
    def base_url(self) -> str:
        return super().base_url.partition("/odata")[0]

    def answer(self, target: str, headers: Mapping[str, str]) -> Answer:
        parts = urlsplit(target)
        if parts.path in self.paths:
            return super().answer(target, headers)
        options = dict(parse_qsl(parts.query, keep_blank_values=True))
        service, _, rest = unquote(parts.path).lstrip("/").partition("/")
        segments = rest.split("/")
        table = segments[1] if len(segments) > 1 and segments[0].lower() == "odata" else ""
        resource = "/".join(segments[2:]).rstrip("/")
        key = f"{resource}?$skip={options['$skip']}" if "$skip" in options else resource
        self.requests.append(Request(f"/{service}/{table}/{resource}", options, 0.0))
        return self.spoilt(key, self.found(service, table, key, options))

    def found(self, service: str, table: str, key: str, options: Mapping[str, str]) -> Answer:
        """What stands there; a service of its own may override this."""
        body = self.services.get(service, {}).get(table, {}).get(key)
        if body is None:
            return Answer(b'{"odata.error":{"code":"","message":{"lang":"en-US","value":"No HTTP resource"}}}', 404)
        if options.get("$format") != "json":
            return Answer(b"<feed/>", content_type="application/atom+xml")
        return Answer(body)


def captured_tables(folder: Path) -> V3Server:
    """The real answers below `folder` (shared/data/cbs_v3), each on the service where it was captured."""
    whole = folder / "80137ned"
    names = ["", "TableInfos", "CategoryGroups", "Persoonskenmerken", "BedrijfstakkenSBI93", "Perioden"]
    names += ["DataProperties", "TypedDataSet"]
    vacancies = folder / "83599NED"
    feed = {
        "80137ned": {name: (whole / f"meta_{place}.json").read_bytes() for place, name in enumerate(names, start=1)},
        "83599NED": {
            "UntypedDataSet": (vacancies / "tables_2.json").read_bytes(),
            "UntypedDataSet?$skip=10000": (vacancies / "tables_3.json").read_bytes(),
        },
    }
    places = {"84489NED": {"TypedDataSet": (folder / "84489NED" / "TypedDataSet.json").read_bytes()}}
    return V3Server(feed, places)


def listed(*entries: Mapping[str, Any], link: str | None = None) -> bytes:
    """A list as an OData v3 service writes it."""
    document: dict[str, Any] = {"odata.metadata": f"{PUBLISHER}/$metadata", "value": list(entries)}
    return json.dumps(document | ({"odata.nextLink": link} if link else {}), ensure_ascii=False).encode()


def dimension(key: str, kind: str = "Dimension") -> dict[str, Any]:
    return {"odata.type": f"Cbs.OData.{kind}", "Type": kind, "Key": key, "Title": key, "ID": 0, "ParentID": None}


def group(number: int, title: str) -> dict[str, Any]:
    return {"odata.type": "Cbs.OData.TopicGroup", "Type": "TopicGroup", "Key": "", "Title": title, "ID": number}


def topic(
    key: str, title: str, unit: str | None = "aantal", parent: int | None = None, kind: str = "Double"
) -> dict[str, Any]:
    return {
        "odata.type": "Cbs.OData.Topic",
        "Type": "Topic",
        "Key": key,
        "Title": title,
        "Unit": unit,
        "Decimals": 0,
        "Datatype": kind,
        "ParentID": parent,
        "ID": 100,
    }


ROWS = [
    {
        "ID": number,
        "Gemeenten": f"{region:<9}",
        "Perioden": period,
        "k_1ePlaatsing_1": number * 10.0,
        "k_2ePlaatsing_2": None if number == 3 else number * 10.0 + 1,
    }
    for number, (region, period) in enumerate(
        (region, period) for region in ("GM0001", "GM0002", "GM0003") for period in ("2015JJ00", "2016KW02")
    )
]


def table_info(table: str, modified: str = "2026-06-23T02:00:00") -> dict[str, Any]:
    return {"ID": 0, "Identifier": table, "Title": "Klein ", "Modified": modified, "OutputStatus": "Regulier"}


def small_table(
    table: str = "00001NED",
    rows: Iterable[Mapping[str, Any]] = ROWS,
    page_size: int = 100,
    data_set: str = "TypedDataSet",
    **resources: bytes | None,
) -> dict[str, bytes]:
    """Two topics by municipality and period: six rows. A resource given as None is not there."""
    whole: dict[str, bytes | None] = {
        "TableInfos": listed(table_info(table)),
        "DataProperties": listed(
            dimension("Gemeenten", "GeoDimension"),
            dimension("Perioden", "TimeDimension"),
            topic("k_1ePlaatsing_1", "1e plaatsing", "1 000 euro"),
            topic("k_2ePlaatsing_2", "2e plaatsing", "1 000 euro"),
        ),
        "CategoryGroups": listed(),
        "Gemeenten": listed(
            {"Key": "GM0001   ", "Title": "Aap ", "Description": "Eerste"},
            {"Key": "GM0002   ", "Title": "Noot", "Description": ""},
            {"Key": "GM0003   ", "Title": "Mies", "Description": None},
        ),
        "Perioden": listed(
            {"Key": "2015JJ00", "Title": "2015", "Status": "Definitief"},
            {"Key": "2016KW02", "Title": "2016 2e kwartaal", "Status": "Voorlopig "},
        ),
        **in_pages(table, list(rows), page_size, data_set),
    }
    return {name: content for name, content in (whole | resources).items() if content is not None}


def in_pages(table: str, rows: list[Mapping[str, Any]], size: int, data_set: str = "TypedDataSet") -> dict[str, bytes]:
    """Rows in pages, linked as the publisher does, with its host."""
    pages = {}
    for start in range(0, max(len(rows), 1), size):
        is_last = start + size >= len(rows)
        link = None if is_last else f"{PUBLISHER}/{table}/{data_set}/?$format=json&$skip={start + size}"
        pages[f"{data_set}?$skip={start}" if start else data_set] = listed(*rows[start : start + size], link=link)
    return pages


def as_text(rows: Iterable[Mapping[str, Any]], width: int = 9) -> list[dict[str, Any]]:
    """Rows as UntypedDataSet has them: figures as text, padded on the left, a full stop for a missing one."""
    return [
        {
            name: value if isinstance(value, str) or name == "ID" else f"{'.' if value is None else value!s:>{width}}"
            for name, value in row.items()
        }
        for row in rows
    ]
