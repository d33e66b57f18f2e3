"""A server on this machine that hands out every declared table of CBS, as its publisher would.

What belongs here: the services of OData v4 and v3 with their paths, pages, filters and catalogues, the requests that
came in, and what a publisher does between two runs: a new version, a revised figure, a table that is gone. What does
not: what the tables hold (`live_tables`), and faults on the way (`tests.servers`).

    with LiveServer(live_tables(sources)) as server:
        environment = server.environment()
"""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from tests.live_tables import LiveTable
from tests.odata_filter import predicate
from tests.servers import Answer, LocalServer

V4_PATH = "/odata/v1/CBS"
_PUBLISHER = "https://datasets.cbs.nl"
# Keys of regions are padded to this width in v3.
_V3_WIDTH = 9


@dataclass(frozen=True)
class Asked:
    """One request: the service (`v4`, `ODataFeed`, `ODataApi`, `ODataCatalog`), the table, the resource, the query."""

    service: str
    table: str
    resource: str
    options: Mapping[str, str]


class LiveServer(LocalServer):
    """A context manager; while it is open, the services answer under `url`."""

    def __init__(self, tables: Mapping[str, LiveTable], *, page_size: int = 2000) -> None:
        super().__init__()
        self.tables = dict(tables)
        self.page_size = page_size
        self.requests: list[Asked] = []

    def environment(self) -> dict[str, str]:
        """What a process needs to be told to ask here."""
        return {
            "NULMETING_CBS_V4_URL": f"{self.url}{V4_PATH}",
            "NULMETING_CBS_V3_URL": self.url,
            "NULMETING_CBS_V3_THIRD_URL": self.url,
        }

    # -- what was asked ----------------------------------------------------------------------------

    def resources(self) -> Counter[str]:
        """How often each resource was asked for, of any table."""
        return Counter(request.resource for request in self.requests)

    def asked(self, table: str, resource: str) -> list[Asked]:
        """The requests for one resource of one table, in order."""
        return [request for request in self.requests if (request.table, request.resource) == (table, resource)]

    def forget(self) -> None:
        """Begin to count anew."""
        self.requests.clear()

    # -- what a publisher does ---------------------------------------------------------------------

    def bump(self, table: str) -> None:
        """Publish a table anew, a day later, with whatever it now holds."""
        changed = self.tables[table]
        day = dt.datetime.fromisoformat(changed.modified) + dt.timedelta(days=1)
        changed.modified, changed.version = day.isoformat(), day.strftime("%Y%m%d%H%M")

    def revise(self, table: str, measure: str, value: float | None, **codes: str) -> int:
        """Give every observation of a measure (its title) with these codes another value. Returns how many."""
        changed = self.tables[table]
        code = changed.measure(measure)
        found = [
            row
            for row in changed.observations
            if row["Measure"] == code and all(row[name] == wanted for name, wanted in codes.items())
        ]
        for row in found:
            row["Value"] = value
        return len(found)

    def remove(self, table: str) -> None:
        """From now on nobody knows this table."""
        del self.tables[table]

    # -- answers -----------------------------------------------------------------------------------

    def answer(self, target: str, headers: Mapping[str, str]) -> Answer:
        parts = urlsplit(target)
        path, options = unquote(parts.path), dict(parse_qsl(parts.query, keep_blank_values=True))
        service, table, resource = _addressed(path)
        self.requests.append(Asked(service, table, resource, options))
        try:
            found = (
                self._v4(table, resource, options) if service == "v4" else self._v3(service, table, resource, options)
            )
        except (ValueError, KeyError) as error:
            return _error(400, f"this server does not understand the request: {error!r}")
        return _error(404, "No such resource") if found is None else Answer(found)

    def _v4(self, table: str, resource: str, options: Mapping[str, str]) -> bytes | None:
        if (table, resource) == ("", "Datasets"):
            return _json({"value": _chosen([_dataset(known) for known in self.tables.values()], options)})
        known = self.tables.get(table)
        if known is None:
            return None
        if resource == "Properties":
            return _json(known.properties())
        if resource in known.literal:
            return known.literal[resource]
        entries = _v4_entries(known, resource)
        if entries is None:
            return None
        rows = _chosen(entries, options)
        document: dict[str, Any] = {"value": rows}
        if resource == "Observations":
            skip = int(options.get("$skip", 0))
            document = {"value": rows[skip : skip + self.page_size]}
            if skip + self.page_size < len(rows):
                link = {**options, "$skip": str(skip + self.page_size)}
                document["@odata.nextLink"] = f"{_PUBLISHER}{V4_PATH}/{table}/{resource}?{_query(link)}"
        return _json(document)

    def _v3(self, service: str, table: str, resource: str, options: Mapping[str, str]) -> bytes | None:
        asked = {name: value for name, value in options.items() if name != "$format"}
        if service == "ODataCatalog":
            return _json({"value": _chosen([_info(known) for known in self.tables.values()], asked)})
        known = self.tables.get(table)
        if known is None:
            return None
        if resource == "":
            names = ("TableInfos", "DataProperties", "CategoryGroups", "TypedDataSet", *known.codes)
            root = f"{self.url}/{service}/odata/{table}"
            return _json({"value": [{"name": name, "url": f"{root}/{name}"} for name in names]})
        entries = _v3_entries(known, resource)
        if entries is None:
            return None
        rows = _chosen(entries, asked)
        skip = int(asked.get("$skip", 0))
        document: dict[str, Any] = {"value": rows[skip : skip + self.page_size]}
        if skip + self.page_size < len(rows):
            link = {**options, "$skip": str(skip + self.page_size)}
            document["odata.nextLink"] = f"{self.url}/{service}/odata/{table}/{resource}?{_query(link)}"
        return _json(document)


def _v4_entries(table: LiveTable, resource: str) -> Sequence[Mapping[str, Any]] | None:
    """The entries of one list of a table of v4; None for one that it does not have."""
    if resource.removesuffix("Codes") in table.codes:
        return table.codes[resource.removesuffix("Codes")]
    if resource == "Dimensions":
        return table.dimensions()
    if resource == "MeasureGroups":
        return table.groups or None
    return {"MeasureCodes": table.measures, "Observations": table.observations}.get(resource)


# -- a table in the words of v3 --------------------------------------------------------------------


def _v3_entries(table: LiveTable, resource: str) -> Sequence[Mapping[str, Any]] | None:
    """The entries of one list of a table of v3; None for one that it does not have."""
    if resource in table.codes:
        return _categories(table, resource)
    if resource == "TypedDataSet":
        return typed_rows(table)
    if resource == "DataProperties":
        return data_properties(table)
    return {"TableInfos": [_info(table)], "CategoryGroups": []}.get(resource)


def topic_keys(table: LiveTable) -> dict[str, str]:
    """The column of every measure: what is left of its title, and its place among the columns."""
    stems = {measure["Identifier"]: _stem(measure["Title"]) for measure in table.measures}
    return {code: f"{stem}_{place}" for place, (code, stem) in enumerate(stems.items(), start=1)}


def data_properties(table: LiveTable) -> list[dict[str, Any]]:
    """The columns of a table of v3, dimensions first."""
    keys = topic_keys(table)
    dimensions = [
        {
            "ID": place,
            "Position": place,
            "ParentID": None,
            "Type": "TimeDimension" if name == table.period_dimension else "Dimension",
            "Key": name,
            "Title": name,
        }
        for place, name in enumerate(table.codes)
    ]
    topics = [
        {
            "ID": len(dimensions) + place,
            "Position": len(dimensions) + place,
            "ParentID": None,
            "Type": "Topic",
            "Key": keys[measure["Identifier"]],
            "Title": measure["Title"].strip(),
            "Unit": measure["Unit"],
            "Datatype": measure["DataType"],
            "Decimals": measure["Decimals"],
        }
        for place, measure in enumerate(table.measures)
    ]
    return [{"Description": "", **entry} for entry in (*dimensions, *topics)]


def typed_rows(table: LiveTable) -> list[dict[str, Any]]:
    """One row for every combination of codes, with a column for every measure; keys as v3 pads them."""
    keys, names = topic_keys(table), list(table.codes)
    rows: dict[tuple[str, ...], dict[str, Any]] = {}
    for observation in table.observations:
        place = tuple(observation[name] for name in names)
        row = rows.setdefault(place, {name: _padded(table, name, observation[name]) for name in names})
        row[keys[observation["Measure"]]] = observation["Value"]
    return [{"ID": number, **row} for number, row in enumerate(rows.values())]


def _categories(table: LiveTable, name: str) -> list[dict[str, Any]]:
    return [
        {
            "Key": _padded(table, name, entry["Identifier"]),
            "Title": entry["Title"],
            "Description": entry["Description"],
            **({"Status": entry["Status"]} if "Status" in entry else {}),
        }
        for entry in table.codes[name]
    ]


def _padded(table: LiveTable, dimension: str, code: str) -> str:
    return code if dimension == table.period_dimension else code.ljust(_V3_WIDTH)


def _stem(title: str) -> str:
    """`1e plaatsing` is `k_1ePlaatsing`."""
    words = "".join(word[:1].upper() + word[1:] for word in "".join(c if c.isalnum() else " " for c in title).split())
    return f"k_{words}" if words[:1].isdigit() else words


def _info(table: LiveTable) -> dict[str, Any]:
    return {
        "ID": 0,
        "Identifier": table.table,
        "Title": table.title,
        "ShortTitle": table.title,
        "Modified": table.modified[:19],
        "Frequency": "Perjaar",
        "OutputStatus": table.status,
        "Catalog": "CBS",
        "RecordCount": len(table.observations),
    }


# -- serving ---------------------------------------------------------------------------------------


def _dataset(table: LiveTable) -> dict[str, Any]:
    names = ("Identifier", "Title", "Language", "Modified", "Status", "DatasetType")
    return {"Description": "", **{name: table.properties()[name] for name in names}}


def _addressed(path: str) -> tuple[str, str, str]:
    """Service, table and resource of a path; without a table for a catalogue."""
    if path.startswith(f"{V4_PATH}/"):
        table, slash, resource = path.removeprefix(f"{V4_PATH}/").partition("/")
        return ("v4", table, resource) if slash else ("v4", "", table)
    service, _, rest = path.strip("/").partition("/")
    if service == "ODataCatalog":
        return service, "", rest
    table, _, resource = rest.partition("/")[2].partition("/")
    return service, table, resource


def _chosen(rows: Iterable[Mapping[str, Any]], options: Mapping[str, str]) -> list[dict[str, Any]]:
    """The rows that a query lets through, of each what it selects; `$skip` is the caller's."""
    if unknown := set(options) - {"$filter", "$select", "$top", "$skip"}:
        raise ValueError(f"found {min(unknown)}, expected $filter, $select, $top or $skip")
    fits = predicate(options["$filter"]) if "$filter" in options else None
    found = [dict(row) for row in rows if fits is None or fits(row)]
    if "$top" in options:
        found = found[: int(options["$top"])]
    if "$select" in options:
        names = options["$select"].split(",")
        found = [{name: row[name] for name in names} for row in found]
    return found


def _query(options: Mapping[str, str]) -> str:
    return "&".join(f"{name}={quote(value, safe='')}" for name, value in options.items())


def _json(document: Any) -> bytes:
    return json.dumps(document, ensure_ascii=False).encode()


def _error(status: int, message: str) -> Answer:
    return Answer(_json({"error": {"code": str(status), "message": message}}), status=status)
