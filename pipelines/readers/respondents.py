"""What may be kept of a table with one row per respondent: a copy in which nothing is left of what they wrote.

What belongs here: making that copy in the form in which the file came, so that the same reader reads it. What does not:
whether a copy is kept, and where (`delivery_privacy`, `deliveries`).
"""

from __future__ import annotations

from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from pipelines.declarations.source import DelimitedReader

# What stands in place of a text, so that it still counts as filled in.
_FILLED_IN: Final = "ingevuld"


def without_texts(rows: pa.Table, reader: DelimitedReader) -> bytes:
    """The rows that were read as a file of their declared columns, with a word in place of every open text."""
    texts = []
    for column in reader.columns:
        values = rows[column.name]
        if column.type == "open_text":
            texts.append(pc.if_else(pc.equal(values, 1), _FILLED_IN, ""))
            continue
        text = pc.fill_null(values.cast(pa.string()), "")
        texts.append(pc.replace_substring(text, ".", reader.decimal) if column.is_numeric else text)
    stream = pa.BufferOutputStream()
    table = pa.table(texts, names=[column.header for column in reader.columns])
    pa.csv.write_csv(table, stream, pa.csv.WriteOptions(delimiter=reader.delimiter, quoting_style="needed"))
    written: bytes = stream.getvalue().to_pybytes()
    return written.decode("utf-8").encode(reader.encoding)
