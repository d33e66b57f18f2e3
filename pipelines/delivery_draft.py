"""What a declaration of a file could look like that nobody declared: what was detected, and a YAML draft to finish.

What belongs here: the words and the YAML. What does not: detecting (`readers.detection`). The draft is for a person to
confirm; no reader ever goes by it. It holds headers, and nothing of any cell.
"""

from __future__ import annotations

import json
import re
import unicodedata
from pathlib import PurePath
from typing import Any, Final

from pipelines.privacy import redact_text
from pipelines.readers.detection import Detected, DetectedColumn

_MOST_LINES: Final = 29
_SEPARATORS_NL: Final = {";": "puntkomma's", ",": "komma's", "\t": "tabs", "|": "verticale strepen"}
_THOUSANDS_NL: Final = {".": "punten", ",": "komma's", " ": "spaties"}
_NO_DATA: Final = {"total": "(?i)(?:totaal|total|nederland).*", "footer": "(?i)bron.*", "note": r"\*.*"}
_RESERVED: Final = frozenset({"line", "vintage_id", "region_code"})
_LARGE: Final = 10_000_000


def draft(name: str, detected: Detected, profile: str) -> str:
    """A draft of a source in YAML, fewer than 30 lines with its comments in Dutch; empty where nothing was detected.

    `name` is that of the file, already free of personal data.
    """
    told = [f"# {name}: {_told(detected)}."]
    if not detected.columns:
        return "" if detected.encoding is None and detected.sheet is None else f"{told[0]}\n"
    decimal, thousands = detected.marks[0] if detected.marks else (",", "")
    if len(detected.marks) > 1:
        told.append(
            "# Hoe getallen geschreven zijn, is uit het bestand niet op te maken: vul decimal en thousands zelf in."
        )
    names = _names(detected)
    head = [
        *told,
        "# Vul aan, bewaar als sources/municipal/<source_id>.yml en controleer het bestand opnieuw.",
        f"source_id: {_slug(PurePath(name).stem) or 'levering'}",
        f"title: {_scalar(PurePath(name).stem)}",
        "publisher: Gemeente",
        "licence: niet vermeld",
        "cadence: yearly",
        "not_expected_because: Nog niet opgegeven; zet hier `expected` voor wat er moet komen.",
        f"profiles: [{profile}]",
        f"origin: {{producer: Gemeente, citation: {_scalar(name)}}}",
        f"connector: {{kind: folder, pattern: {_scalar(_pattern(name))}}}",
        "reader:",
        f"  kind: {'spreadsheet' if detected.sheet is not None else 'delimited'}",
        *_where(detected),
        f'  decimal: "{decimal}"',
        *([f'  thousands: "{thousands}"'] if thousands else []),
    ]
    tail = [f"  key: [{', '.join(names[header] for header in detected.key)}]"]
    if detected.no_data_kinds:
        rows = ", ".join(f"{{kind: {kind}, first_cell: {_scalar(_NO_DATA[kind])}}}" for kind in detected.no_data_kinds)
        tail.append(f"  no_data_rows: [{rows}]")
    room = _MOST_LINES - len(head) - len(tail) - 1
    shown = _chosen(detected, room)
    columns = [f"    - {_column(column, names[column.header])}" for column in shown]
    if left_out := [column for column in detected.columns if column not in shown]:
        tail.append(f"  ignore_headers: [{', '.join(_scalar(column.header) for column in left_out)}]")
    return "\n".join([*head, "  columns:", *columns, *tail]) + "\n"


def _told(detected: Detected) -> str:
    if detected.sheet is not None:
        parts = [f'werkblad "{redact_text(detected.sheet)}"']
    else:
        parts = [f"tekens {detected.encoding}"]
        if detected.separator is not None:
            parts.append(f"gescheiden door {_SEPARATORS_NL[detected.separator]}")
    if detected.header_line is None:
        return "; ".join([*parts, "geen kop herkend"])
    parts.append(f"kop op regel {detected.header_line}")
    if detected.marks:
        several = " of ".join(_marks_nl(*marks) for marks in detected.marks[:2])
        parts.append(f"getallen met {several}")
    dates = list(dict.fromkeys(column.date_form for column in detected.columns if column.date_form))
    if dates:
        parts.append(f"datums als {', '.join(dates)}")
    return "; ".join(parts)


def _marks_nl(decimal: str, thousands: str) -> str:
    named = "decimale komma" if decimal == "," else "decimale punt"
    return f"{named} en {_THOUSANDS_NL[thousands]} per duizendtal" if thousands else named


def _where(detected: Detected) -> list[str]:
    if detected.sheet is not None:
        return [f"  sheet: {_scalar(detected.sheet)}", f"  header_row: {detected.header_line}"]
    return [f"  encoding: {detected.encoding}", f"  delimiter: {json.dumps(detected.separator)}"]


def _chosen(detected: Detected, room: int) -> list[DetectedColumn]:
    """As many columns as there is room for, those of the key first."""
    if len(detected.columns) <= room:
        return list(detected.columns)
    room -= 1
    key = [column for column in detected.columns if column.header in detected.key]
    others = [column for column in detected.columns if column not in key]
    chosen = [*key, *others[: max(room - len(key), 0)]]
    return [column for column in detected.columns if column in chosen]


def _column(column: DetectedColumn, name: str) -> str:
    values: dict[str, Any] = {"header": column.header, "name": name, "type": column.type}
    if column.has_empty_cells:
        values["nullable"] = True
    if column.largest is not None and column.largest >= _LARGE:
        values["maximum"] = 10 ** len(f"{column.largest:.0f}")
    return "{" + ", ".join(f"{key}: {_scalar(value)}" for key, value in values.items()) + "}"


def _names(detected: Detected) -> dict[str, str]:
    """A name in the warehouse for every header, each its own."""
    names: dict[str, str] = {}
    for column in detected.columns:
        wanted = _slug(column.header) or "kolom"
        wanted = f"{wanted}_" if wanted in _RESERVED else wanted
        name, number = wanted, 2
        while name in names.values():
            name, number = f"{wanted}_{number}", number + 1
        names[column.header] = name
    return names


def _slug(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text)
    letters = "".join(character for character in plain if not unicodedata.combining(character))
    slug = re.sub(r"[^a-z0-9]+", "_", letters.casefold()).strip("_")
    return re.sub(r"^[0-9_]+", "", slug)[:40].rstrip("_")


def _pattern(name: str) -> str:
    """The name with a star for every number: next year's file is called so too."""
    return re.sub(r"[0-9]+", "*", re.sub(r"[\[\]*?]", "?", name))


def _scalar(value: Any) -> str:
    import yaml

    written: str = yaml.safe_dump([value], default_flow_style=True, allow_unicode=True, width=10_000)
    return written.strip()[1:-1]
