"""Odd and malformed Iv3 deliveries, in JSON and in CSV, each with what must become of it.

What belongs here: one delivery for everything that goes wrong with them in practice, or that somebody tries on
purpose. Read them with `REGIONS`. `SECRETS` stand in some of them and may come out nowhere.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable
from typing import Any

from tests.corpus import AnyCase, Outcome
from tests.iv3_documents import (
    CONTACT,
    REGIONS,
    TABLE_HEADER,
    Amount,
    document,
    encoded,
    line_of,
    listed,
    source_of,
)

__all__ = ["REGIONS", "SECRETS", "cases"]

BSN = "999900006"
SECRETS = (BSN, *CONTACT.values())

_TWO: tuple[Amount, ...] = (("6.1", "3.8", 1200), ("6.3", "4.1.1", 7000))
_CLOSED: tuple[Amount, ...] = (("0.7", "4.3.1", 8200),)


def cases() -> list[AnyCase]:
    """Every case, with names that occur once."""
    return [*_loading(), *_no_document(), *_metadata(), *_codes(), *_wholes(), *_amounts(), *_lists(), *_tables()]


def _json(
    name: str,
    content: dict[str, Any] | bytes,
    outcome: Outcome,
    reason: str | None = None,
    line: int | str | None = None,
    rows: int = 0,
    **source: Any,
) -> AnyCase:
    data = content if isinstance(content, bytes) else encoded(content)
    place = line_of(data, line) if isinstance(line, str) else line
    return AnyCase(name, f"iv3_{name.replace(' ', '_')}.json", data, source_of(**source), outcome, rows, reason, place)


def _csv(
    name: str, data: bytes, outcome: Outcome, reason: str | None = None, line: int | None = None, rows: int = 0
) -> AnyCase:
    return AnyCase(name, f"iv3_{name.replace(' ', '_')}.csv", data, source_of(), outcome, rows, reason, line)


def _loading() -> list[AnyCase]:
    good = document(_TWO, _CLOSED)
    balance = document(_TWO, _CLOSED)
    balance["data"]["balans_standen"] = [{"balanscode": "A111", "standper": "ultimo", "bedrag": 5}]
    balance["data"]["kengetallen"] = [{"kengetal": "fk.1", "verslagperiode": "Rek_2023", "waarde": "38%"}]
    nine_digits = document([("6.1", "3.8", int(BSN))], [("0.7", "4.3.1", int(BSN))])
    detailed = document([("6.1", "3.8", 4), ("6.1", "3.8", 5)])
    for entry in detailed["data"]["lasten"]:
        entry["details"] = {"grootboek": "4.100"}
    remarks = document(_TWO, _CLOSED)
    remarks["opmerkingen"] = [{"tekst": 'Zie "toelichting" {op} [pagina 3]', "diep": [{"er": {"in": 1}}]}]
    older = document([("6.72", "3.4.1", 900), ("6.72", "4.4.8", 1)], boekjaar=2019, periode=3)
    newer = document([("6.751", "3.4.1", 900), ("6.791", "4.1.1", 1)], boekjaar=2025, periode=0, status="Begroting")
    return [
        _json("accounts in three lists", good, "loads", rows=3),
        _json("with a balance sheet and ratios", balance, "loads", rows=3),
        _json("an amount that passes the eleven test", nine_digits, "loads", rows=2),
        _json("one taakveld in details", detailed, "loads", rows=2),
        _json("remarks full of brackets", remarks, "loads", rows=3),
        _json("a quarter of the coarse years", older, "loads", rows=2),
        _json("a budget with the codes of 2025", newer, "loads", rows=2),
        _json("on one line", encoded(good).replace(b"\n", b" "), "loads", rows=3),
        _json("with a byte order mark", codecs.BOM_UTF8 + encoded(good), "loads", rows=3),
        _json("in windows-1252", _named("Súdwest").decode().encode("cp1252"), "loads", rows=3),
        _json(
            "numbers as text in the metadata", document(_TWO, _CLOSED, boekjaar="2023", periode="5"), "loads", rows=3
        ),
        _json("nothing but zeros", document([("6.1", "3.8", 0), ("6.3", "4.1.1", 0)]), "loads", rows=2),
        _json("a whole in a quarter", document([("6.72", "3.4.1", 900)], periode=2), "loads", rows=1),
        _json(
            "whole amounts with a point", document([("6.1", "3.8", 1200.0), ("6.3", "4.1.1", -5.0)]), "loads", rows=2
        ),
        _json("in thousands", good, "loads", rows=3, amounts="eur_1000"),
    ]


def _named(name: str) -> bytes:
    return encoded(document(_TWO, _CLOSED, overheidsnaam=name))


def _no_document() -> list[AnyCase]:
    text = encoded(document(_TWO, _CLOSED))
    cut = text[: text.index(b'"baten"')]
    missing = document(_TWO)
    del missing["data"]["baten"]
    unknown = document(_TWO)
    unknown["data"]["investeringen"] = []
    no_records = document(_TWO)
    no_records["data"]["lasten"] = ["6.1"]
    persons = document(_TWO)
    persons["data"]["lasten"][1]["details"] = {"naam cliënt": "Sjoukje Oosterling"}
    numbered = document(_TWO)
    numbered["data"]["lasten"][1]["details"] = {"kenmerk": BSN}
    return [
        _json("cut short", cut, "refused", "unfinished_file", cut.count(b"\n") + 1),
        _json("a comma too much", text.replace(b"},\n", b"},,\n", 1), "refused", "unknown_format", "},,"),
        _json("a list", b"[1, 2]", "refused", "unknown_format", 1),
        _json("a key twice", text.replace(b'"periode"', b'"boekjaar"'), "refused", "unknown_format"),
        _json("not a number", text.replace(b"1200", b"NaN"), "refused", "unknown_format"),
        _json("a number of five thousand digits", text.replace(b"1200", b"9" * 5000), "refused", "unknown_format"),
        _json("brackets without end", b"[" * 200_000, "refused", "unknown_format"),
        _json("in UTF-16", text.decode().encode("utf-16"), "refused", "wrong_encoding", 1),
        _json("without data", b'{"metadata": {}, "contact": {}}', "refused", "unknown_format", 1),
        _json("without baten", missing, "refused", "missing_column", '"data"'),
        _json("a part of its own", unknown, "refused", "unknown_format", '"investeringen"'),
        _json("records that are texts", no_records, "refused", "unknown_format", '"lasten"'),
        _json("no records", document(()), "refused", "empty_file", '"data"'),
        _json("details about a person", persons, "refused", "personal_data", "naam cli"),
        _json("a BSN in the details", numbered, "refused", "personal_data", BSN),
    ]


def _metadata() -> list[AnyCase]:
    wrong: list[tuple[str, str, dict[str, Any]]] = [
        ("a province", "not_allowed", {"overheidslaag": "Provincie"}),
        ("an unknown municipality", "unknown_region", {"overheidsnummer": "9999"}),
        ("a municipality by name", "unknown_region", {"overheidsnummer": "Voorbeeldstad"}),
        ("a book year without a list", "unknown_period", {"boekjaar": 2016}),
        ("a period that is none", "unknown_period", {"periode": 6}),
        ("a budget in period 5", "not_allowed", {"status": "Begroting"}),
        ("accounts in period 0", "not_allowed", {"periode": 0}),
    ]
    places = {"a budget in period 5": "status", "accounts in period 0": "status"}
    return [
        _json(name, document(_TWO, **metadata), "refused", reason, f'"{places.get(name, next(iter(metadata)))}"')
        for name, reason, metadata in wrong
    ]


def _codes() -> list[AnyCase]:
    wrong: list[tuple[str, Amount, dict[str, Any]]] = [
        ("a code of 2025 in 2023", ("6.751", "3.4.1", 9), {}),
        ("a letter in 2022", ("6.72a", "3.4.1", 9), {"boekjaar": 2022}),
        ("a coarse code in 2025", ("6.72", "3.4.1", 9), {"boekjaar": 2025}),
        ("a total of taakvelden", ("6.", "3.8", 9), {}),
        ("a balance item among lasten", ("A111", "3.8", 9), {}),
        ("a category of baten among lasten", ("6.1", "2.2.1", 9), {}),
        ("an abolished category", ("6.1", "4.4.1", 9), {"boekjaar": 2025}),
        ("a category with the letter of CBS", ("6.1", "L3.8", 9), {}),
    ]
    made = []
    for name, amount, metadata in wrong:
        content = document([("6.3", "4.1.1", 5), amount], **metadata)
        made.append(_json(name, content, "quarantined", "unknown_item", _line(content, 2), rows=1))
    return made


def _line(content: dict[str, Any], which: int) -> int:
    """The line on which the n-th record of lasten begins."""
    return line_of(encoded(content), '"taakveld"', which) - 1


def _wholes() -> list[AnyCase]:
    both = document([("6.3", "4.1.1", 5), ("6.71", "3.8", 100), ("6.71a", "3.4.1", 60)])
    zero = document([("6.71", "3.8", 0), ("6.71a", "3.4.1", 60)])
    sides = document([("6.71a", "3.4.1", 60)], [("6.71", "3.4.2", 4)])
    return [
        _json("a whole and its part both filled", both, "quarantined", "not_allowed", _line(both, 2), rows=1),
        _json("a whole of zero beside its part", zero, "loads", rows=2),
        _json("a whole on the other side", sides, "loads", rows=2),
    ]


def _amounts() -> list[AnyCase]:
    wrong: list[tuple[str, str, Any]] = [
        ("an amount with cents", "not_a_number", 12.34),
        ("an amount in quotation marks", "not_a_number", "1200"),
        ("an amount of yes", "not_a_number", True),
        ("no amount", "missing_value", None),
        ("an amount of sixteen digits", "not_a_number", 10**15),
    ]
    made = []
    for name, reason, amount in wrong:
        content = document([("6.3", "4.1.1", 5), ("6.1", "3.8", amount)])
        made.append(_json(name, content, "quarantined", reason, _line(content, 2), rows=1))
    number = document([("6.3", "4.1.1", 5), (0.1, "3.8", 9)])
    twice = document([("6.3", "4.1.1", 5), ("6.1", "3.8", 9), ("6.1", "3.8", 10)])
    return [
        *made,
        _json("a taakveld as a number", number, "quarantined", "not_allowed", _line(number, 2), rows=1),
        _json("a taakveld twice", twice, "quarantined", "duplicate_key", _line(twice, 2), rows=1),
    ]


def _lists() -> list[AnyCase]:
    good = ["9901;2023;5;Realisatie;lasten;6.1;3.8;1200", "9901;2023;5;Realisatie;baten;0.7;4.3.1;1200"]
    header = "overheidsnummer;boekjaar;periode;taakveld;categorie;bedrag"
    wrong: Iterable[tuple[str, str, str]] = [
        ("a municipality nobody knows", "unknown_region", "9999;2023;5;Realisatie;lasten;6.3;4.1.1;5"),
        ("a year without a list", "unknown_period", "9901;2030;5;Realisatie;lasten;6.3;4.1.1;5"),
        ("a quarter that is none", "unknown_period", "9901;2023;9;Realisatie;lasten;6.3;4.1.1;5"),
        ("a status against the period", "not_allowed", "9901;2023;0;Realisatie;lasten;6.3;4.1.1;5"),
        ("a side that is none", "not_allowed", "9901;2023;5;Realisatie;saldo;6.3;4.1.1;5"),
        ("thousands points", "not_a_number", "9901;2023;5;Realisatie;lasten;6.3;4.1.1;1.234"),
        ("a field too many", "wrong_column_count", "9901;2023;5;Realisatie;lasten;6.3;4.1.1;5;5"),
    ]
    return [
        _csv("a list of amounts", listed(*good), "loads", rows=2),
        _csv("sides by their letter", listed("9901;2023;5;6.1;L3.8;1200", header=header), "loads", rows=1),
        _csv("separated by commas", listed(*good).replace(b";", b","), "loads", rows=2),
        _csv("two municipalities", listed(*good, good[0].replace("9901", "9902")), "loads", rows=3),
        _csv("in UTF-16 with tabs", listed(*good).decode().replace(";", "\t").encode("utf-16"), "loads", rows=2),
        _csv("capitals and blank lines", listed(*good, "", ";;;;;;;").replace(b"bedrag", b"Bedrag"), "loads", rows=2),
        *[_csv(name, listed(*good, line), "quarantined", reason, 4, rows=2) for name, reason, line in wrong],
        _csv("without an amount column", listed(*good).replace(b"bedrag", b"euro"), "refused", "missing_column", 1),
        _csv("a column of names", listed(*good).replace(b"status", b"naam medewerker"), "refused", "personal_data", 1),
        _csv("only a header", listed(), "refused", "empty_file", 1),
        _csv("nothing", b"", "refused", "empty_file"),
        _csv("a workbook", b"PK\x03\x04" + bytes(60), "refused", "unknown_format"),
    ]


def _tables() -> list[AnyCase]:
    lines = [
        "0;6.1   ;L3.8    ;GM9901   ;2023X005;  1199;  1200",
        "1;6.1   ;B3.8    ;GM9901   ;2023X005;    20;     .",
        "2;6.3   ;L1.1    ;GM9901   ;2023X005;      ;",
        "3;A111  ;Ultimo  ;GM9901   ;2023X005;   800;   800",
        "4;6.71  ;L3.8    ;GM9902   ;2022X005;-99998;-446327",
    ]
    unknown = "5;6.71a ;L3.8    ;GM9902   ;2022X005;     1;     1"
    return [
        _csv("an extract of the table of CBS", listed(*lines, header=TABLE_HEADER), "loads", rows=3),
        _csv(
            "a letter of 2023 in an extract of 2022",
            listed(*lines, unknown, header=TABLE_HEADER),
            "quarantined",
            "unknown_item",
            7,
            rows=3,
        ),
    ]
