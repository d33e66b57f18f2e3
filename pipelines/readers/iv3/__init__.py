"""A municipality's own Iv3 delivery (Informatie voor derden): lasten and baten per taakveld and category.

JSON is taken apart in `from_json` (the places of things in `layout`), CSV in `from_csv`; both give `records`, which
`rules` holds against the code lists that the catalogue declares per book year.

What belongs here: what a delivery says, and whether it may say so. What does not: the code lists themselves
(`declarations.iv3`), CBS's own tables (`cbs_v3`), and what the amounts mean.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.declarations.iv3 import Iv3CodeLists
from pipelines.declarations.source import Iv3Reader
from pipelines.readers.account import NO_DATA_SCHEMA, ReadResult
from pipelines.readers.faults import Kind, tell
from pipelines.readers.iv3.from_csv import read_csv
from pipelines.readers.iv3.from_json import WIDE_MARKS, read_json
from pipelines.readers.iv3.records import RecordFaults, Records
from pipelines.readers.iv3.rules import amounts, check_records, regimes_of
from pipelines.readers.lookup import RegionLookup
from pipelines.readers.periods import split_reports
from pipelines.warehouse.raw_tables import IV3

_BLANK = b" \t\r\n"
_UTF8_MARK = b"\xef\xbb\xbf"


def read_iv3(file: str, data: bytes, reader: Iv3Reader, lookup: RegionLookup) -> ReadResult:
    """Read one Iv3 delivery, JSON or CSV: a row of `raw_tables.IV3` for every amount, in euros.

    `item` is regime, side, taakveld and category (`2023|lasten|6.71a|3.8`): a taakveld means another thing in another
    regime. A delivery of nothing but zeros loads, and a notice says that it counts as not delivered. A record is
    quarantined that the code list of its book year does not know, that stands beside another of the same taakveld and
    category, that is an amount on a whole as well as on its parts, or of which the amount is no whole number. Records
    of the balance sheet are no data. Raises RefusedFileError when the file as a whole cannot be read; ValueError when
    the reader was not given any code lists.
    """
    codes = reader.codes
    if not codes.years:
        raise ValueError("found no code lists of Iv3, expected those of sources/catalogue")
    if is_json(data):
        delivery = read_json(file, data, codes, lookup)
        rows_in = len(delivery.records) + delivery.passed_over.num_rows
        factor = 1000.0 if reader.amounts == "eur_1000" else 1.0
        return _result(delivery.records, codes, factor, delivery.passed_over, rows_in, delivery.notices)
    listed = read_csv(file, data, reader.headers, lookup)
    factor = 1000.0 if listed.in_thousands or reader.amounts == "eur_1000" else 1.0
    return _result(listed.records, codes, factor, listed.passed_over, listed.rows_in, listed.notices, listed.uneven)


def is_json(data: bytes) -> bool:
    """Whether the first sign is that of a JSON document, in whatever encoding."""
    start = data[:4096].removeprefix(_UTF8_MARK)
    for mark in WIDE_MARKS:
        start = start.removeprefix(mark)
    return start.replace(b"\0", b"").lstrip(_BLANK)[:1] in (b"{", b"[")


def _result(
    records: Records,
    codes: Iv3CodeLists,
    factor: float,
    passed_over: pa.Table,
    rows_in: int,
    notices: tuple[str, ...],
    uneven: tuple[Kind, ...] = (),
) -> ReadResult:
    faults = RecordFaults(records)
    values = amounts(records, faults)
    odd = check_records(records, codes, values, faults)
    rows = _rows(records, codes, pc.multiply(values, factor)).filter(pa.array(~faults.rows))
    return ReadResult(
        rows=rows,
        no_data=passed_over.select(NO_DATA_SCHEMA.names).cast(NO_DATA_SCHEMA),
        rows_in=rows_in,
        rows_loaded=rows.num_rows,
        rows_no_data=passed_over.num_rows,
        rows_quarantined=sum(kind.count for kind in uneven) + int(np.count_nonzero(faults.rows)),
        problems=tell([*uneven, *faults.kinds]),
        notices=(*notices, *odd),
    )


def _rows(records: Records, codes: Iv3CodeLists, values: pa.Array) -> pa.Table:
    code = pc.binary_join_element_wise(records.year.cast(pa.string()), records.report_kind, "")
    side, taakveld, categorie = (records.texts[name] for name in ("kant", "taakveld", "categorie"))
    columns = {
        "line": pa.array(records.lines),
        "region_code": records.region_code,
        "period_code": split_reports(code)[0],
        "report_kind": records.report_kind,
        "side": side,
        "taakveld": taakveld,
        "categorie": categorie,
        "item": pc.binary_join_element_wise(regimes_of(records, codes), side, taakveld, categorie, "|"),
        "value": values,
    }
    return pa.table([columns[name] for name in IV3.names], schema=IV3)
