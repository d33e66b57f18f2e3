"""What an Iv3 delivery has to comply with, for all its records at once.

What belongs here: the code lists of the book year, one amount per taakveld and category, parents beside their parts,
and the publisher's check that lasten and baten are equal. What does not: formats, and what a figure means.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.declarations.iv3 import SIDES, Iv3CodeLists, Side
from pipelines.readers.faults import quoted
from pipelines.readers.iv3.records import Mask, RecordFaults, Records, mask

WHOLE: Final = r"^(?P<whole>-?[0-9]{1,15})(?:[.,]0{1,2})?$"
# Budgets and accounts close; the publisher checks no quarter for it (PF006).
_CLOSING: Final = ("X000", "X005")
_REPORT: Final = ("region", "year", "report")
# 0.1 and 0.10 are two taakvelden, and one number.
_EXPECTED_TYPE: Final = {
    "taakveld": "a text, because 0.1 and 0.10 differ",
    "categorie": "a text such as 3.8",
    "bedrag": "a number",
}

A_MUNICIPALITY: Final = "the number of a municipality, such as 0373"
A_PERIOD: Final = "0 (budget), 1 to 4 (quarters) or 5 (accounts)"


def amounts(records: Records, faults: RecordFaults) -> pa.Array:
    """The amounts as doubles, in the unit of the file; what is none becomes a fault."""
    text = records.texts["bedrag"]
    if "bedrag" in records.odd:
        faults.add(
            mask(pc.is_valid(records.odd["bedrag"])), "bedrag", "not_a_number", records.odd["bedrag"], "a number"
        )
    empty = mask(pc.or_kleene(pc.is_null(text), pc.equal(text, "")))
    faults.add(empty, "bedrag", "missing_value", "no amount", "a whole number, 0 included")
    number = pc.struct_field(pc.extract_regex(text, WHOLE), "whole")
    wrong = mask(pc.is_null(number)) & ~empty
    faults.add(wrong, "bedrag", "not_a_number", quoted(text), "a whole number such as -1250, without thousands points")
    return number.cast(pa.float64())


def check_records(records: Records, codes: Iv3CodeLists, values: pa.Array, faults: RecordFaults) -> tuple[str, ...]:
    """Mark every record that does not comply; returns notices about what complies and is odd."""
    for name, found in records.odd.items():
        faults.add(mask(pc.is_valid(found)), name, "not_allowed", found, _EXPECTED_TYPE[name])
    _reports(records, codes, faults)
    regimes = regimes_of(records, codes)
    for regime in sorted(set(regimes.drop_null().to_pylist())):
        for side in SIDES:
            chosen = mask(pc.and_(pc.equal(regimes, regime), pc.equal(records.texts["kant"], side)))
            if chosen.any():
                _taakvelden(records, codes, regime, chosen, faults)
                _categorieen(records, codes, regime, side, chosen, faults)
    _duplicates(records, faults)
    alone = _parents(records, codes, regimes, values, faults)
    return (*alone, *_closing(records, values, faults), *_all_zero(records, values, faults))


def regimes_of(records: Records, codes: Iv3CodeLists) -> pa.Array:
    """The regime of every record's book year; null where no list is known for it."""
    years = pa.array(list(codes.years), pa.int64())
    return pa.array(list(codes.years.values()), pa.string()).take(pc.index_in(records.year, years))


def _reports(records: Records, codes: Iv3CodeLists, faults: RecordFaults) -> None:
    """Records of no municipality, book year, period or side; a file of one report is refused before this."""
    said = records.said
    unknown = mask(pc.is_null(records.region_code))
    faults.add(unknown, "overheidsnummer", "unknown_region", quoted(said["overheidsnummer"]), A_MUNICIPALITY)
    no_list = ~mask(pc.is_in(records.year, value_set=pa.array(list(codes.years), pa.int64())))
    faults.add(no_list, "boekjaar", "unknown_period", quoted(said["boekjaar"]), a_book_year(codes))
    faults.add(mask(pc.is_null(records.report_kind)), "periode", "unknown_period", quoted(said["periode"]), A_PERIOD)
    if "status" in said:
        wanted = pc.if_else(pc.equal(records.report_kind, "X000"), "begroting", "realisatie")
        other = mask(pc.not_equal(pc.utf8_lower(said["status"]), wanted))
        expected = pc.binary_join_element_wise(wanted, ", because of the period", "")
        faults.add(other, "status", "not_allowed", quoted(said["status"]), expected)
    side = records.texts["kant"]
    known = mask(pc.is_in(side, value_set=pa.array(SIDES)))
    faults.add(~known, "kant", "not_allowed", quoted(pc.fill_null(side, "")), "lasten or baten")


def a_book_year(codes: Iv3CodeLists) -> str:
    """What a book year should be, for a message."""
    return f"a book year of which the code list is declared, {min(codes.years)} to {max(codes.years)}"


def _taakvelden(records: Records, codes: Iv3CodeLists, regime: str, chosen: Mask, faults: RecordFaults) -> None:
    text = records.texts["taakveld"]
    unknown = chosen & ~mask(pc.is_in(text, value_set=pa.array(list(codes.taakvelden_of(regime)))))
    if not unknown.any():
        return
    totals = codes.totals_of(regime, "taakveld")
    elsewhere = {
        code: codes.span(other.regime for other in codes.regimes if code in codes.taakvelden_of(other.regime))
        for other in codes.regimes
        for code in codes.taakvelden_of(other.regime)
    }
    expected = f"a taakveld of Iv3 {codes.span([regime])}"
    hints = _hints(text, unknown, expected, totals, elsewhere)
    faults.add(unknown, "taakveld", "unknown_item", quoted(pc.fill_null(text, "")), hints)


def _categorieen(
    records: Records, codes: Iv3CodeLists, regime: str, side: Side, chosen: Mask, faults: RecordFaults
) -> None:
    text = records.texts["categorie"]
    unknown = chosen & ~mask(pc.is_in(text, value_set=pa.array(list(codes.categorieen_of(regime, side)))))
    if not unknown.any():
        return
    other: Side = "baten" if side == "lasten" else "lasten"
    elsewhere = {
        code: codes.span(one.regime for one in codes.regimes if code in codes.categorieen_of(one.regime, side))
        for one in codes.regimes
        for code in codes.categorieen_of(one.regime, side)
    }
    elsewhere |= {code: other for code in codes.categorieen_of(regime, other) if code not in elsewhere}
    expected = f"a category of {side} of Iv3 {codes.span([regime])}"
    hints = _hints(text, unknown, expected, codes.totals_of(regime, "categorie"), elsewhere)
    faults.add(unknown, "categorie", "unknown_item", quoted(pc.fill_null(text, "")), hints)


def _hints(
    texts: pa.Array, unknown: Mask, expected: str, totals: dict[str, str], elsewhere: dict[str, str]
) -> pa.Array:
    """What was expected, with what is known of each code that was found instead."""
    distinct = pc.unique(texts.filter(pa.array(unknown)))
    words = []
    for code in distinct.to_pylist():
        if code in totals:
            words.append(f"{expected}; this code adds others up")
        elif code in elsewhere:
            words.append(f"{expected}; this one is of {elsewhere[code]}")
        else:
            words.append(expected)
    return pa.array(words, pa.string()).take(pc.index_in(texts, distinct))


def _duplicates(records: Records, faults: RecordFaults) -> None:
    """Several records of one taakveld and category: nobody can say which is right, unless all are parts of a sum."""
    table = _table(records, ("kant", "taakveld", "categorie"))
    keys = [name for name in table.column_names if name != "place"]
    table = table.append_column("in_parts", pa.array(records.has_details))
    groups = table.group_by(keys).aggregate([("place", "list"), ("place", "count"), ("in_parts", "all")])
    repeated = groups.filter(pc.and_(pc.greater(groups["place_count"], 1), pc.invert(groups["in_parts_all"])))
    again = np.zeros(len(records), dtype=bool)
    found = np.full(len(records), "", dtype=object)
    for places in repeated["place_list"].to_pylist():
        lines = list(dict.fromkeys(records.lines[places].tolist()))
        again[places] = True
        found[places] = f"the same on lines {', '.join(map(str, lines[:6]))}{' and more' if len(lines) > 6 else ''}"
    expected = "one amount for every taakveld and category"
    faults.add(again, "taakveld", "duplicate_key", pa.array(found, pa.string()), expected)


def _table(records: Records, texts: Iterable[str]) -> pa.Table:
    """What tells the records apart: the report they are of, some of their texts, and their place."""
    return pa.table(
        {
            "region": records.region_code,
            "year": records.year,
            "report": records.report_kind,
            **{name: records.texts[name] for name in texts},
            "place": pa.array(np.arange(len(records))),
        }
    )


def _parents(
    records: Records, codes: Iv3CodeLists, regimes: pa.Array, values: pa.Array, faults: RecordFaults
) -> tuple[str, ...]:
    """Amounts on a taakveld as well as on its parts may be the same money twice: all of them are refused."""
    whole, is_parent = _wholes(records, codes, regimes)
    filled = mask(pc.not_equal(values, 0.0)) & mask(pc.is_valid(whole)) & ~faults.rows
    table = _table(records, ("kant",)).append_column("whole", whole)
    table = table.append_column("parent", pa.array(is_parent)).filter(pa.array(filled))
    keys = [*_REPORT, "kant", "whole"]
    groups = table.group_by(keys).aggregate([("place", "list"), ("parent", "any"), ("parent", "all")])
    both = groups.filter(pc.and_(groups["parent_any"], pc.invert(groups["parent_all"])))
    twice = np.zeros(len(records), dtype=bool)
    for places in both["place_list"].to_pylist():
        twice[places] = True
    faults.add(
        twice,
        "taakveld",
        "not_allowed",
        pc.binary_join_element_wise("amounts on ", whole, " and on its parts", ""),
        pc.binary_join_element_wise("amounts on the parts of ", whole, " only, such as ", whole, "a", ""),
    )
    alone = sorted(set(groups.filter(groups["parent_all"])["whole"].to_pylist()))
    return (f"on the whole and not on its parts: {', '.join(alone)}",) if alone else ()


def _wholes(records: Records, codes: Iv3CodeLists, regimes: pa.Array) -> tuple[pa.Array, Mask]:
    """The taakveld that a record belongs to as a parent or as a part of one, and which records are the parent."""
    text = records.texts["taakveld"]
    whole = pa.nulls(len(records), pa.string())
    is_parent = np.zeros(len(records), dtype=bool)
    for regime in sorted(set(regimes.drop_null().to_pylist())):
        parents = codes.parents_of(regime)
        if not parents:
            continue
        here = pc.equal(regimes, regime)
        own = pa.array(sorted(set(parents.values())))
        known = pa.concat_arrays([pa.array(list(parents)), own])
        of = pa.concat_arrays([pa.array(list(parents.values())), own])
        whole = pc.if_else(here, of.take(pc.index_in(text, known)), whole)
        is_parent |= mask(pc.and_(here, pc.is_in(text, value_set=own)))
    return whole, is_parent


def _closing(records: Records, values: pa.Array, faults: RecordFaults) -> tuple[str, ...]:
    """Lasten and baten over all taakvelden are equal in a budget and in accounts; a warning where they are not."""
    if faults.rows.any():
        return ()
    sums = _sums(records, values)
    odd = [
        f"{region} {year} {report}: lasten {lasten:.0f}, baten {baten:.0f}"
        for region, year, report, lasten, baten, count in sums
        # rounding to thousands may leave half a unit per amount
        if report in _CLOSING and lasten and baten and abs(lasten - baten) > count / 2
    ]
    return (f"lasten and baten are not equal, as the publisher expects: {_first(odd)}",) if odd else ()


def _all_zero(records: Records, values: pa.Array, faults: RecordFaults) -> tuple[str, ...]:
    """A report of nothing but zeros is of a municipality that did not deliver; it loads, and counts as that."""
    good = pa.array(~faults.rows)
    table = _table(records, ()).append_column("size", pc.abs(values)).filter(good)
    sums = table.group_by(list(_REPORT)).aggregate([("size", "max")])
    empty = sums.filter(pc.equal(sums["size_max"], 0.0))
    reports = [" ".join(map(str, row.values())) for row in empty.select(list(_REPORT)).to_pylist()]
    return (f"every amount is 0, which counts as not delivered: {_first(reports)}",) if reports else ()


def _sums(records: Records, values: pa.Array) -> list[tuple[str, int, str, float, float, int]]:
    lasten = pc.equal(records.texts["kant"], "lasten")
    table = _table(records, ()).append_column("lasten", pc.if_else(lasten, values, 0.0))
    table = table.append_column("baten", pc.if_else(lasten, 0.0, values))
    sums = table.group_by(list(_REPORT)).aggregate([("lasten", "sum"), ("baten", "sum"), ("place", "count")])
    names = [*_REPORT, "lasten_sum", "baten_sum", "place_count"]
    return list(zip(*(sums[name].to_pylist() for name in names), strict=True))


def _first(texts: list[str]) -> str:
    return texts[0] if len(texts) == 1 else f"{texts[0]}, and {len(texts) - 1} more"
