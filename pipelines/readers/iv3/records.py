"""The records of one Iv3 delivery, whatever format they came in, and what is wrong with them.

What belongs here: the columns that every format has to hand over, and gathering faults for whole columns at once. What
does not: taking a file apart (`from_json`, `from_csv`), and what is right or wrong (`rules`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.privacy import redact
from pipelines.readers.account import Problem
from pipelines.readers.faults import MOST_TOLD, Kind

Mask = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.int64]

_SHOWN_PER_CELL: Final = 80
TEXTS: Final = ("kant", "taakveld", "categorie", "bedrag")


@dataclass(frozen=True)
class Records:
    """Amounts of a delivery, one per record, in the order of the file. All columns are equally long.

    `columns` says for each field where it stands: the number of the field in a delimited file, the place on the line at
    which its record begins in JSON. `texts` holds the fields as they were written (TEXTS), null where there was none.
    `region_code`, `year` and `report_kind` are null where the file says something else than a municipality, a book
    year and a period; `said` shows what it said. `has_details` are records that may stand beside others of the same
    taakveld and category, because each is one of several that add up. `odd` says of a field what stands there instead
    of the text or number that it should be (null where that is right), `headers` what the file calls a field.
    """

    file: str
    lines: Numbers
    columns: Mapping[str, Numbers]
    texts: Mapping[str, pa.Array]
    region_code: pa.Array
    year: pa.Array
    report_kind: pa.Array
    said: Mapping[str, pa.Array]
    has_details: Mask
    odd: Mapping[str, pa.Array] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.lines)


class RecordFaults:
    """Which records are refused, and why. A field of a record has one fault, the first that was added.

    `kinds` is to be told with `faults.tell`.
    """

    def __init__(self, records: Records) -> None:
        self.rows: Mask = np.zeros(len(records), dtype=bool)
        self._records = records
        self._fields: dict[str, Mask] = {}
        self.kinds: list[Kind] = []

    def add(self, mask: Mask, name: str, reason: str, found: pa.Array | str, expected: pa.Array | str) -> None:
        """Mark the field `name` of some records; `found` and `expected` are one text, or one for every record."""
        seen = self._fields.setdefault(name, np.zeros(len(self.rows), dtype=bool))
        new: Mask = mask & ~seen
        if not new.any():
            return
        seen |= new
        self.rows |= new
        places = np.flatnonzero(new)
        first = places[:MOST_TOLD]
        at = pa.array(first)
        records = self._records
        founds = _shown(pa.repeat(found, len(at)) if isinstance(found, str) else found.take(at))
        expecteds = [expected] * len(at) if isinstance(expected, str) else expected.take(at).to_pylist()
        raws = _joined({text: records.texts[text].take(at) for text in TEXTS})
        told = tuple(
            Problem(records.file, line, column, records.headers.get(name, name), reason, *texts)
            for line, column, *texts in zip(
                records.lines[first].tolist(),
                records.columns[name][first].tolist(),
                founds.to_pylist(),
                expecteds,
                raws.to_pylist(),
                strict=True,
            )
        )
        position = list(self._fields).index(name)
        self.kinds.append(Kind(position, reason, len(places), int(records.lines[places[-1]]), told))


def _shown(texts: pa.Array) -> pa.Array:
    """Texts as they may stand in a message: on one line, short, and without what could identify a person."""
    one_line = pc.replace_substring_regex(pc.fill_null(texts, "nothing"), r"[\p{Cc}]+", " ")
    return pc.utf8_slice_codeunits(redact(one_line), 0, _SHOWN_PER_CELL)


def _joined(fields: Mapping[str, pa.Array]) -> pa.Array:
    labelled = [
        pc.binary_join_element_wise(f"{name}=", _shown(pc.fill_null(texts, "")), "") for name, texts in fields.items()
    ]
    return pc.binary_join_element_wise(*labelled, "; ")


def mask(flags: pa.Array) -> Mask:
    """Flags as a mask; what is unknown is no."""
    found: Mask = pc.fill_null(flags, False).to_numpy(zero_copy_only=False)
    return found
