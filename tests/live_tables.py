"""Fictional tables of CBS in the shape that the declared sources expect, for `live_server`.

What belongs here: which codes, measures and observations such a table has, made from the declarations and from what no
declaration asks for as well, so that a request that forgets to filter shows. What does not: HTTP, pages and filters
(`live_server`, `odata_filter`).

The municipalities are Testdorp, Proefstad and Voorbeeldveen. None of them exists; their figures are made up by rule.
"""

from __future__ import annotations

import datetime as dt
import itertools
import json
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipelines.declarations.source import CbsV3Connector, CbsV3Reader, CbsV4Connector, CbsV4Reader, Series, Source
from pipelines.periods import expand_periods

COUNTRY = "NL01"
MUNICIPALITIES = {"GM9901": "Testdorp", "GM9902": "Proefstad", "GM9903": "Voorbeeldveen"}
WIJKEN = {"WK990100": "Testdorp-Kern", "WK990101": "Testdorp-Buiten", "WK990200": "Proefstad-Noord"}
BUURTEN = {"BU99010000": "Testdorp-Dorpsstraat"}
AGES = ("10010", *(f"{10000 + 100 * age}" for age in range(1, 23)))

_SIZE = {COUNTRY: 60_000, "GM9901": 10_000, "GM9902": 40_000, "GM9903": 5_000}
# What a table holds besides, where no expectation names its periods.
_PERIODS = ("2023H1", "2023H2", "2023")
# Where an expectation has no end, so far have the publisher's tables come.
_LAST_DAY = dt.date(2026, 1, 31)
_PARTS = {"": "JJ00", "H": "HJ0", "Q": "KW0", "M": "MM"}
_ELSEWHERE = "ANDERS"
_REPORTS = "Verslagsoort"
_SPARE = "Een onderwerp dat niemand vraagt"
_DIVISIONS = {
    "Arbeidsmarktregio's": ("AM", "AM98", "Testregio"),
    "COROP-gebieden": ("CR", "CR98", "Testgebied"),
    "GGD-regio's": ("GG", "GG9899", "GGD Testregio"),
    "Jeugdzorgregio's": ("JZ", "JZ98", "Jeugdregio Test"),
    "Provincies": ("PV", "PV98", "Testprovincie"),
}


@dataclass
class LiveTable:
    """One table as its publisher holds it: codes by dimension, measures, and one row for every observation.

    `observations` are those of OData v4; a table of v3 is made from them by `typed_rows`. `literal` holds answers that
    are handed out byte for byte. `version` and `modified` are the publisher's, to be bumped by tests.
    """

    table: str
    title: str
    codes: dict[str, list[dict[str, Any]]]
    measures: list[dict[str, Any]]
    observations: list[dict[str, Any]]
    groups: list[dict[str, Any]] = field(default_factory=list)
    version: str = "202607010000"
    modified: str = "2026-07-01T00:00:00+02:00"
    status: str = "Regulier"
    literal: dict[str, bytes] = field(default_factory=dict)
    period_dimension: str = "Perioden"

    def properties(self) -> dict[str, Any]:
        """The table's Properties (v4)."""
        return {
            "Identifier": self.table,
            "Title": self.title,
            "Language": "nl",
            "Modified": self.modified,
            "Catalog": "CBS",
            "Version": self.version,
            "VersionReason": "Actualisering",
            "Status": self.status,
            "ObservationCount": len(self.observations),
            "DatasetType": "Numeric",
        }

    def dimensions(self) -> list[dict[str, Any]]:
        """The table's Dimensions (v4)."""
        return [
            {"Identifier": name, "Title": name, "Kind": "Dimension", "ContainsGroups": False, "ContainsCodes": True}
            for name in self.codes
        ]

    def measure(self, title: str) -> str:
        """The code of the only measure of that title."""
        (code,) = (measure["Identifier"] for measure in self.measures if measure["Title"].strip() == title)
        return str(code)


def live_tables(sources: Iterable[Source]) -> dict[str, LiveTable]:
    """Every table that these sources ask CBS for, by id; sources that slice one table share it."""
    slices: dict[str, list[tuple[Source, str | None]]] = {}
    for source in sources:
        if isinstance(source.connector, CbsV4Connector | CbsV3Connector):
            for table, edition in source.connector.tables:
                slices.setdefault(table, []).append((source, edition))
    return {table: _table(table, parts) for table, parts in slices.items()}


def captured_table(folder: Path) -> LiveTable:
    """A table as it was captured below `shared/data/cbs_v4`: its lists byte for byte, its observations as they are."""
    described = json.loads((folder / "index.json").read_text(encoding="utf-8"))
    files = {name: (folder / file).read_bytes() for name, file in described["files"].items()}
    properties = json.loads(files["properties"])
    pages = [json.loads((folder / page).read_bytes())["value"] for page in described["observationPages"]]
    dimensions = [entry["Identifier"] for entry in json.loads(files["dimensions"])["value"]]
    return LiveTable(
        table=properties["Identifier"],
        title=properties["Title"],
        codes={name: json.loads(files[f"codes-{name}"])["value"] for name in dimensions},
        measures=json.loads(files["measure-codes"])["value"],
        observations=[row for page in pages for row in page],
        version=properties["Version"],
        modified=properties["Modified"],
        literal={
            "Dimensions": files["dimensions"],
            "MeasureCodes": files["measure-codes"],
            **{f"{name}Codes": files[f"codes-{name}"] for name in dimensions},
        },
    )


def period_code(period: str) -> str:
    """A period of the warehouse as CBS writes it: `2019H1` is `2019HJ01`."""
    year, letter, number = period[:4], period[4:5], period[5:]
    return f"{year}{_PARTS[letter]}{number}"


# -- one table -------------------------------------------------------------------------------------


def _table(table: str, slices: Sequence[tuple[Source, str | None]]) -> LiveTable:
    sources = [source for source, _ in slices]
    edition = slices[0][1]
    if _reader(sources[0]).period_dimension == _REPORTS:
        return _iv3_table(table, sources[0], edition)
    codes = {name: _entries(_codes(name, sources)) for name in _plain_dimensions(sources)}
    region = next(filter(None, (_reader(source).region_dimension for source in sources)), None)
    if region is not None:
        codes[region] = _entries(_regions(region, _reader(sources[0]).region_codes))
    if edition is None:
        codes["Perioden"] = _periods(sources)
    measures, groups = _measures(sources)
    made = LiveTable(table, sources[0].title, codes, measures, [], groups)
    keys = itertools.product(*([entry["Identifier"] for entry in entries] for entries in codes.values()))
    cells = itertools.product(measures, keys)
    made.observations = [
        _observation(number, made, measure, dict(zip(codes, key, strict=True)), region, edition)
        for number, (measure, key) in enumerate(cells)
    ]
    return made


def _iv3_table(table: str, source: Source, year: str | None) -> LiveTable:
    """Every municipality's Iv3 of one book year: budget, first quarter and accounts; 2e plaatsing of the accounts only.

    Voorbeeldveen delivered no accounts, and stands there with nothing but zeros.
    """
    taakvelden = sorted({series.item.split("|")[1] for series in source.series})
    codes = {
        "TaakveldBalanspost": ["0.1", *taakvelden],
        "Categorie": ["A111", "B3.8", "L1.1", "L3.8"],
        "Gemeenten": list(MUNICIPALITIES),
        _REPORTS: [f"{year}X{report:03}" for report in (0, 1, 5)],
    }
    measures = [_measure(f"M{place}", f"{place}e plaatsing", "x 1 000 euro", None) for place in (1, 2)]
    made = LiveTable(table, f"Gemeenten; onbewerkte Iv3-data {year}", {}, measures, [], period_dimension=_REPORTS)
    made.codes = {name: _entries({code: code for code in listed}) for name, listed in codes.items()}
    for number, (measure, key) in enumerate(itertools.product(measures, itertools.product(*codes.values()))):
        named = dict(zip(codes, key, strict=True))
        people = inhabitants(named["Gemeenten"], int(year or 0))
        booked = people // (10 + _rank({"Title": named["TaakveldBalanspost"]}, {"c": named["Categorie"]}))
        accounts, second = named[_REPORTS].endswith("X005"), measure["Identifier"] == "M2"
        if accounts and named["Gemeenten"] == "GM9903":
            booked = second = 0
        amount = None if second and not accounts else booked + second
        made.observations.append(
            {
                "Id": number,
                "Measure": measure["Identifier"],
                "ValueAttribute": "None",
                "Value": amount,
                "StringValue": None,
                **named,
            }
        )
    return made


def _reader(source: Source) -> CbsV4Reader | CbsV3Reader:
    assert isinstance(source.reader, CbsV4Reader | CbsV3Reader)
    return source.reader


def _filter(source: Source) -> str:
    assert isinstance(source.connector, CbsV4Connector | CbsV3Connector)
    return source.connector.filter or ""


def _filtered(text: str) -> Iterator[tuple[str, list[str]]]:
    """The dimensions that a filter speaks of, with the codes that it lets through."""
    for name, code in re.findall(r"(\w+) eq '([^']*)'", text):
        yield name, [code]
    for name, listed in re.findall(r"(\w+) in \(([^)]*)\)", text):
        yield name, re.findall(r"'([^']*)'", listed)
    for name in re.findall(r"(\w+) ge '[^']*' and \1 le", text):
        yield name, list(AGES)


def _plain_dimensions(sources: Sequence[Source]) -> list[str]:
    """The dimensions besides region and period: those that a filter fixes, then those that are declared."""
    own = {name for source in sources for name in (_reader(source).region_dimension, _reader(source).period_dimension)}
    fixed = [name for source in sources for name, _ in _filtered(_filter(source))]
    declared = [name for source in sources for name in _reader(source).dimensions]
    return [name for name in dict.fromkeys([*fixed, *declared]) if name not in own]


def _codes(name: str, sources: Sequence[Source]) -> dict[str, str]:
    """The codes of a dimension with their titles; where a filter chooses among them, also one that it leaves out."""
    found: list[str] = []
    for source in sources:
        found += [code for filtered, codes in _filtered(_filter(source)) if filtered == name for code in codes]
    if found:
        found.append(_ELSEWHERE)
    for source in sources:
        if name in _reader(source).dimensions:
            place = _reader(source).dimensions.index(name) + 1
            parts = [series.item.split("|") for series in source.series]
            found += [part[place] for part in parts if len(part) > place and "*" not in part[place]]
    titled = any(name in _reader(source).titled for source in sources)
    return {f"C{place:03}" if titled else code: code for place, code in enumerate(dict.fromkeys(found))}


def _regions(dimension: str, written: Mapping[str, str]) -> dict[str, str]:
    other = {ours: theirs for theirs, ours in written.items()}
    country = {other.get(COUNTRY, COUNTRY): "Nederland"}
    if dimension == "WijkenEnBuurten":
        return country | MUNICIPALITIES | WIJKEN | BUURTEN
    if dimension == "Wijken":
        return MUNICIPALITIES | WIJKEN
    return country | {"LD98": "Test-Nederland (LD)"} | MUNICIPALITIES


def _periods(sources: Sequence[Source]) -> list[dict[str, Any]]:
    declared = [
        period
        for source in sources
        for wanted in source.expected
        for period in expand_periods(wanted.periods, _LAST_DAY)
    ]
    periods = declared or list(_PERIODS)
    # Half-years never stand alone: the year they are in has a figure of its own.
    periods += [period[:4] for period in periods if "H" in period]
    codes = sorted({period_code(period) for period in periods})
    last = codes[-1][:4]
    return [
        {
            "Identifier": code,
            "Title": code,
            "Description": "",
            "Status": "Voorlopig" if code.startswith(last) else "Definitief",
        }
        for code in codes
    ]


def _entries(codes: Mapping[str, str]) -> list[dict[str, Any]]:
    return [{"Identifier": code, "Title": title, "Description": ""} for code, title in codes.items()]


def _measures(sources: Sequence[Source]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The declared measures; one that shares its title with one in another group; and one that nobody asks for."""
    if any(source.defines_groups for source in sources):
        return _texts()
    declared: dict[str, str] = {}
    for source in sources:
        for series in source.series:
            declared.setdefault(series.item.split("|")[0], _unit(series))
        assert isinstance(source.connector, CbsV4Connector | CbsV3Connector)
        for title in source.connector.measures:
            declared.setdefault(title, "aantal")
    measures: list[dict[str, Any]] = []
    groups: list[dict[str, Any]] = []
    for number, (name, unit) in enumerate([*declared.items(), (_SPARE, "aantal")], start=1):
        group, colon, title = name.rpartition(": ")
        if colon:
            for half, (shown, measured) in enumerate(((group, unit), (f"{group} (0/00)", "per 1 000 inwoners"))):
                groups.append({"Id": f"G{number}{half}", "Title": shown, "ParentId": None})
                measures.append(_measure(f"M{number:03}_{half}", title, measured, f"G{number}{half}"))
        else:
            measures.append(_measure(f"M{number:03}", title, unit, None))
    return measures, groups


def _unit(series: Series) -> str:
    relative = "relatief" in series.item or "Percentage" in series.item
    return series.unit or ("%" if relative else "aantal")


def _measure(code: str, title: str, unit: str, group: str | None) -> dict[str, Any]:
    return {
        "Identifier": code,
        "Title": f"{title} ",
        "Description": "",
        "MeasureGroupId": group,
        "DataType": "Double" if unit == "%" else "Long",
        "Unit": unit,
        "Decimals": 1 if unit == "%" else 0,
    }


def _texts() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Pairs of code and name, one pair for every division into larger regions."""
    groups = [{"Id": f"G{place}", "Title": title, "ParentId": None} for place, title in enumerate(_DIVISIONS)]
    pairs = []
    for place, (prefix, *_) in enumerate(_DIVISIONS.values()):
        for kind, title in enumerate(("Code", "Naam"), start=1):
            pair = _measure(f"{prefix}000{kind}", title, title.lower(), f"G{place}")
            pairs.append(pair | {"DataType": "String"})
    return pairs, groups


# -- one observation -------------------------------------------------------------------------------


def _observation(
    number: int,
    table: LiveTable,
    measure: Mapping[str, Any],
    key: Mapping[str, str],
    region: str | None,
    edition: str | None,
) -> dict[str, Any]:
    value, text, attribute = None, None, "None"
    place = key[region] if region else COUNTRY
    year = int(edition or key["Perioden"][:4])
    plain = {name: code for name, code in key.items() if name not in (region, "Perioden")}
    if measure["DataType"] == "String":
        text = _division(measure, place)
    elif place == "GM9903" and "A019508" in plain.values():
        attribute = "Confidential"
    else:
        value = _value(table, measure, plain, place, year, key.get("Perioden", ""))
    return {
        "Id": number,
        "Measure": measure["Identifier"],
        "ValueAttribute": attribute,
        "Value": value,
        "StringValue": text,
        **key,
    }


def _division(measure: Mapping[str, Any], place: str) -> str | None:
    """The larger region of a municipality, padded as the publisher writes texts; Voorbeeldveen has one of its own."""
    if place not in MUNICIPALITIES:
        return None
    _, code, name = next(found for found in _DIVISIONS.values() if measure["Identifier"].startswith(found[0]))
    apart = "9" if place == "GM9903" else ""
    text = f"{code}{apart}" if measure["Title"].strip() == "Code" else f"{name}{apart and ' Zuid'}"
    return text.ljust(30)


def _value(
    table: LiveTable, measure: Mapping[str, Any], plain: Mapping[str, str], place: str, year: int, period: str
) -> float:
    people = inhabitants(place, year)
    title, unit = measure["Title"].strip(), measure["Unit"]
    if unit == "%":
        return 7.5 + (year % 4)
    if title in ("Bevolking op 1 januari", "Aantal inwoners"):
        age = plain.get("Leeftijd", "10000")
        whole = people if age == "10000" else people // 90
        # Half of them, so that a request that forgets to ask for both sexes together counts too many.
        return whole if _ELSEWHERE not in plain.values() else whole // 2
    if unit == "1 000 euro":
        return people // (4 + _rank(measure, plain))
    part = 1.0 if period.endswith("JJ00") or not period else 0.9
    return max(10, round(people * part / (20 + _rank(measure, plain)) / 10) * 10)


def inhabitants(place: str, year: int) -> int:
    """How many people live in a place of this fictional country on 1 January."""
    if place in _SIZE:
        return _SIZE[place] + (_SIZE[place] // 100) * (year - 2015)
    if place == "NL00":
        return inhabitants(COUNTRY, year)
    return 1_500 + 10 * (year - 2015)


def _rank(measure: Mapping[str, Any], plain: Mapping[str, str]) -> int:
    """A number that tells one figure of a table from another, the same in every run."""
    return zlib.crc32("|".join([measure["Title"], *plain.values()]).encode()) % 60
