"""Iv3 deliveries of municipalities that do not exist, for the tests of their reader.

What belongs here: building a document or a file, the declared code lists, and a small register. What does not: what
must become of a delivery.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from typing import Any

from pipelines.declarations.iv3 import Iv3CodeLists
from pipelines.declarations.load import load_declarations
from pipelines.declarations.source import FolderConnector, Iv3Reader, Origin, Source
from pipelines.geography.regions import RegionLookup
from pipelines.readers import ReadResult, read_file
from pipelines.settings import PROJECT_ROOT

REGIONS = RegionLookup([("GM9901", "Voorbeeldstad"), ("GM9902", "Proefdorp")], {})
CONTACT = {"naam": "Sjoukje Oosterling", "email": "s.oosterling@voorbeeldstad.example", "telefoon": "0612345678"}
HEADER = "overheidsnummer;boekjaar;periode;status;kant;taakveld;categorie;bedrag"
TABLE_HEADER = "ID;TaakveldBalanspost;Categorie;Gemeenten;Verslagsoort;k_1ePlaatsing_1;k_2ePlaatsing_2"

Amount = tuple[Any, Any, Any]


@cache
def code_lists() -> Iv3CodeLists:
    """The code lists as the catalogue declares them."""
    return load_declarations(PROJECT_ROOT / "sources", "live").iv3


def source_of(amounts: str = "eur", **headers: str) -> Source:
    """A source of Iv3 deliveries, knowing the code lists."""
    reader = Iv3Reader.model_validate({"kind": "iv3", "amounts": amounts, "headers": headers})
    return Source(
        source_id="iv3",
        title="Iv3",
        publisher="Voorbeeldstad",
        licence="geen",
        cadence="quarterly",
        profiles=("live",),
        origin=Origin(producer="Voorbeeldstad", citation="Proef"),
        connector=FolderConnector(kind="folder", pattern="*"),
        reader=reader.with_codes(code_lists()),
        not_delivered_when_all_zero=True,
        parts=("report_kind",),
    )


def document(lasten: Iterable[Amount], baten: Iterable[Amount] = (), **metadata: Any) -> dict[str, Any]:
    """A document of schema 2.1: accounts of 2023 of Voorbeeldstad, unless the metadata say something else."""
    return {
        "metadata": {
            "overheidslaag": "Gemeente",
            "overheidsnummer": "9901",
            "overheidsnaam": "Voorbeeldstad",
            "boekjaar": 2023,
            "periode": 5,
            "status": "Realisatie",
            "datum": "2024-07-12T10:00:00Z",
            "details_openbaar": False,
            "financieel_pakket": "Kasboek",
            "export_software": "Kasboek",
            **metadata,
        },
        "contact": dict(CONTACT),
        "data": {
            "lasten": list(map(record, lasten)),
            "baten": list(map(record, baten)),
            "balans_lasten": [],
            "balans_baten": [],
            "balans_standen": [],
        },
    }


def record(amount: Amount) -> dict[str, Any]:
    """One record of lasten or baten."""
    return dict(zip(("taakveld", "categorie", "bedrag"), amount, strict=True))


def encoded(content: dict[str, Any]) -> bytes:
    """A document as CBS's converter writes it: one record per line."""
    return json.dumps(content, indent=1, ensure_ascii=False).encode()


def listed(*lines: str, header: str = HEADER) -> bytes:
    """A CSV delivery."""
    return "\n".join([header, *lines, ""]).encode()


def read(data: bytes, source: Source | None = None) -> ReadResult:
    """The verdict of the reader."""
    return read_file("iv3.json", data, source or source_of(), REGIONS)


def line_of(data: bytes, text: str, which: int = 1) -> int:
    """The physical line on which a text stands for the n-th time."""
    at = -1
    for _ in range(which):
        at = data.index(text.encode(), at + 1)
    return data.count(b"\n", 0, at) + 1
