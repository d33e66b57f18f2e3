"""The layout of CBS OData v4: which resource holds which fields, and how the bytes stand in a file.

What belongs here: turning a table into files as they would come over HTTP. What does not: the figures and
the texts. Each item stands on a line of its own, so that a change of the sample can be read as a diff.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipelines.voorbeeldland.country import (
    COUNTRY_CODE,
    COUNTRY_NAME,
    HERINDELING_YEAR,
    NOTICE,
    YEARS,
    Country,
)
from pipelines.voorbeeldland.tables import POPULATION_TABLE, Dimension, Period, Table

BASE = "https://datasets.cbs.nl/odata/v1/CBS"
PAGE_SIZE = 2_500
_NEW_LINE = "\r\n"


def write_table(folder: Path, table: Table, observations: Sequence[str], country: Country) -> None:
    """The files of one table into `folder`: metadata, code lists, and observations in pages.

    `observations` are compact JSON objects. Pages of an earlier, longer table in the same folder disappear.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for page in folder.glob("Observations-skip-*.json"):
        page.unlink()
    _write(folder / "Properties.json", _singleton(table, _properties(table, len(observations))))
    collections: dict[str, list[dict[str, Any]]] = {
        "Dimensions": _dimensions(table),
        "MeasureCodes": _measure_codes(table),
        f"{table.region_dimension}Codes": _region_codes(table, country),
    }
    if table.periods:
        collections["PeriodenCodes"] = _period_codes(table.periods)
    if table.groups:
        collections["MeasureGroups"] = _measure_groups(table)
    if table.dimension:
        collections[f"{table.dimension.name}Codes"] = _dimension_codes(table.dimension)
    for name, items in collections.items():
        _write(folder / f"{name}.json", _collection(table, name, [compact(item) for item in items]))
    for skip in range(0, len(observations), PAGE_SIZE):
        following = skip + PAGE_SIZE
        link = f"{BASE}/{table.table_id}/Observations?$skip={following}"
        page_name = f"Observations-skip-{skip}" if skip else "Observations"
        page_lines = observations[skip:following]
        body = _collection(table, "Observations", page_lines, link if following < len(observations) else None)
        _write(folder / f"{page_name}.json", body)


def compact(item: Any) -> str:
    """JSON without white space, letters as they are."""
    return json.dumps(item, ensure_ascii=False, separators=(",", ":"))


def _write(path: Path, text: str) -> None:
    # Bytes, not text: a line end must not depend on the platform.
    path.write_bytes(text.encode("utf-8"))


def _context(table: Table, name: str) -> str:
    return f"{BASE}/{table.table_id}/$metadata#{name}"


def _singleton(table: Table, fields: dict[str, Any]) -> str:
    body = {"@odata.context": _context(table, "Properties"), **fields}
    return json.dumps(body, ensure_ascii=False, indent=0) + "\n"


def _collection(table: Table, name: str, items: Sequence[str], next_link: str | None = None) -> str:
    following = f',\n"@odata.nextLink":{compact(next_link)}' if next_link else ""
    context = compact(_context(table, name))
    value = ",\n".join(items)
    return f'{{\n"@odata.context":{context},\n"value":[\n{value}\n]{following}\n}}\n'


def _properties(table: Table, observation_count: int) -> dict[str, Any]:
    modified = f"{table.modified.isoformat()}T00:00:00+02:00"
    return {
        "Identifier": table.table_id,
        "Title": f"{table.title} ({NOTICE[0].lower()}{NOTICE[1:]})",
        "Description": _marked(table.description),
        "Language": "nl",
        "Modified": modified,
        "ReleaseDate": modified,
        "ModificationDate": modified,
        "TemporalCoverage": table.edition or f"{table.periods[0].title} - {table.periods[-1].title}",
        "Version": f"{table.modified:%Y%m%d}0000",
        "VersionNotes": "",
        "VersionReason": "Actualisering",
        "Frequency": table.frequency,
        "Status": "Regulier",
        "ObservationCount": observation_count,
        "ObservationsModified": modified,
        "DatasetType": "Numeric",
        "License": "https://eupl.eu/1.2/nl/",
        "Source": f"{COUNTRY_NAME}. {NOTICE}.",
        "Summary": _marked(f"{table.title}."),
    }


def _dimensions(table: Table) -> list[dict[str, Any]]:
    kinds = [(table.region_dimension, table.regions.title if table.regions else "Regio's", "GeoDimension")]
    if table.periods:
        kinds.append(("Perioden", "Perioden", "TimeDimension"))
    if table.dimension:
        kinds.insert(0, (table.dimension.name, table.dimension.title, "Dimension"))
    items = []
    for name, title, kind in kinds:
        type_name = {} if kind == "Dimension" else {"@odata.type": f"#Cbs.Ccb.Models.{kind}"}
        items.append(
            {
                **type_name,
                "Identifier": name,
                "Title": title,
                "Description": f"{NOTICE}.",
                "MapYear": "" if kind == "GeoDimension" else None,
                "ReleasePolicy": True if kind == "TimeDimension" else None,
                "Kind": kind,
                "ContainsGroups": False,
                "ContainsCodes": True,
                "CodesUrl": f"{BASE}/{table.table_id}/{name}Codes",
                "GroupsUrl": None,
            }
        )
    return items


def _measure_codes(table: Table) -> list[dict[str, Any]]:
    return [
        {
            "Identifier": measure.code,
            "Index": index,
            "Title": measure.title,
            "Description": _marked(measure.description),
            "MeasureGroupId": _group_id(table, measure.group) if measure.group else None,
            "DataType": "Long",
            "Unit": measure.unit,
            "Decimals": 0,
            "PresentationType": "Absolute",
        }
        for index, measure in enumerate(table.measures, start=1)
    ]


def _measure_groups(table: Table) -> list[dict[str, Any]]:
    return [
        {"Id": _group_id(table, group), "Index": index, "Title": group, "Description": f"{NOTICE}.", "ParentID": None}
        for index, group in enumerate(table.groups, start=1)
    ]


def _group_id(table: Table, group: str) -> str:
    return f"VBG{table.groups.index(group) + 1:03d}"


def _dimension_codes(dimension: Dimension) -> list[dict[str, Any]]:
    return [_code(code, index, title, f"{NOTICE}.") for index, (code, title) in enumerate(dimension.codes, 1)]


def _period_codes(periods: Sequence[Period]) -> list[dict[str, Any]]:
    items = []
    for index, period in enumerate(periods, start=1):
        status = "Voorlopig" if period.provisional else "Definitief"
        description = _marked("Voorlopige cijfers.") if period.provisional else f"{NOTICE}."
        items.append({**_code(period.code, index, period.title, description, "0"), "Status": status})
    return items


def _region_codes(table: Table, country: Country) -> list[dict[str, Any]]:
    """Regions. Only the population table tells their history: one place to read a change of borders from."""
    if table.regions:
        listed = enumerate(table.regions.codes, start=1)
        return [_code(code, index, title, f"{NOTICE}.", group) for index, (code, title, group) in listed]
    histories = _histories(country) if table.table_id == POPULATION_TABLE else [""] * len(country.codes)
    items = [_code(COUNTRY_CODE, 1, COUNTRY_NAME, f"{NOTICE}.{_NEW_LINE}", "VB")]
    for index, (code, name, history) in enumerate(zip(country.codes, country.names, histories, strict=True), 2):
        description = f"{NOTICE}.{_NEW_LINE}" + (f"{_NEW_LINE}{history}" if history else "")
        items.append(_code(code, index, name, description, "GMVB"))
    return items


def _histories(country: Country) -> list[str]:
    """What the code list says of each municipality's borders, in the sentences that CBS uses."""
    date = f"01-01-{HERINDELING_YEAR}"
    unchanged = f"Begindatum voor 1830{_NEW_LINE}"
    histories = [unchanged] * len(country.codes)
    received = [f"Ontstaan per {date}, ontvangen van:"]
    for part in country.parts:
        moved = _moved(country, part)
        received += [f"- {country.names[part]} ({country.codes[part]}),", moved]
        target = f"- {country.names[country.merged]} ({country.codes[country.merged]}),"
        gone = [f"Opgeheven per {date}, overgegaan naar:", target, moved, "", unchanged]
        histories[part] = _NEW_LINE.join(gone)
    histories[country.merged] = _NEW_LINE.join([*received, f"Begindatum {date}{_NEW_LINE}"])
    return histories


def _moved(country: Country, part: int) -> str:
    inhabitants = int(country.population[part, YEARS.index(HERINDELING_YEAR)])
    dwellings = inhabitants * 9 // 20
    return f"... {country.hectares[part]} hectare met {dwellings} woningen en {inhabitants} inwoners"


def _code(code: str, index: int, title: str, description: str, group: str | None = None) -> dict[str, Any]:
    return {
        "Identifier": code,
        "Index": index,
        "Title": title,
        "Description": description,
        "DimensionGroupId": group,
    }


def _marked(text: str) -> str:
    return f"{text} {NOTICE}."
