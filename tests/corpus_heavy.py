"""Files that weigh something, or would if they were believed: read in a process of their own that says what it took.

What belongs here: what is tried on memory and on patience. What does not: what can be told from a small file.
`python -m tests.corpus_heavy` prints as JSON what became of each otherwise than it must, and the peak of its memory.
"""

from __future__ import annotations

import io
import json
import resource
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.corpus import BSN, SECRETS, Case, differences, everything_told, read_case
from tests.corpus_text import GOOD, HEADER
from tests.corpus_xlsx import GOOD as ROWS
from tests.corpus_xlsx import SHEET, TEXTS, made, patched, replaced, with_shared_texts
from tests.unit.reader_sources import delimited, spreadsheet, swing

_MANY = 20 * 1024**2


def makers() -> dict[str, Callable[[], Case]]:
    """Every case by its name, made when it is asked for."""
    return dict((*_texts(), *_rows(), *_packages()))


def _case(name: str, data: bytes, outcome: Any, reason: str | None = None, *place: int, **more: Any) -> Case:
    is_text = more.pop("is_text", True)
    source = more.pop("source", None) or (delimited() if is_text else spreadsheet())
    file_name = f"{name.replace(' ', '_')}.{'csv' if is_text else 'xlsx'}"
    line, column = (*place, None, None)[:2]
    return Case(name, file_name, data, source, outcome, reason=reason, line=line, column=column, **more)


Maker = tuple[str, Callable[[], Case]]


def _text(name: str, make: Callable[[], str | bytes], outcome: Any, *place: Any, **more: Any) -> Maker:
    def case() -> Case:
        made_now = make()
        data = made_now if isinstance(made_now, bytes) else made_now.encode()
        return _case(name, data, outcome, *place, **more)

    return name, case


def _book(name: str, make: Callable[[], bytes], outcome: Any, *place: Any, **more: Any) -> Maker:
    return name, lambda: _case(name, make(), outcome, *place, is_text=False, **more)


def _texts() -> Iterator[Maker]:
    """Fields and lines without end."""
    field = "x" * _MANY
    yield _text("a field of twenty megabytes", lambda: f"{GOOD}{field};2016;1\n", "refused", "unknown_format", 4)
    yield _text(
        "a quoted field of twenty megabytes", lambda: f'{GOOD}"{field}";2016;1\n', "refused", "unknown_format", 4
    )
    yield _text(
        "a field of twenty megabytes that never closes", lambda: f'{GOOD}"{field}', "refused", "unknown_format", 4
    )
    yield _text(
        "an open quotation mark before a million lines",
        lambda: f'{HEADER}"Castricum;2016;10\n' + "Heiloo;2016;20\n" * 1_000_000,
        "refused",
        "unknown_format",
        2,
    )
    yield _text("five megabytes without a line end", lambda: "x" * (_MANY // 4), "refused")
    yield _text(
        "a figure of a hundred thousand digits",
        lambda: f"{GOOD}Uitgeest;2016;{'9' * 100_000}\n",
        "quarantined",
        "not_a_number",
        4,
        3,
        rows=2,
    )
    yield _text("a hundred thousand blank lines", lambda: "\n" * 100_000, "refused", "empty_file")
    yield _text("twenty megabytes of NUL bytes", lambda: bytes(_MANY), "refused", "wrong_encoding", 1, 1)
    yield _text(
        "five megabytes of quotation marks",
        lambda: f"{GOOD}{chr(34) * (_MANY // 4)};2016;1\n",
        "refused",
        "unknown_format",
        4,
    )
    yield _text(
        "a header of twenty thousand columns",
        lambda: (
            ";".join([HEADER.strip(), *(f"k{n}" for n in range(20_000))]) + "\n" + "Heiloo;2016;1" + ";" * 20_000 + "\n"
        ),
        "refused",
        "unknown_format",
        1,
    )
    yield _text(
        "a Swing file of twenty thousand items",
        lambda: "period;geolevel;geoitem;" + ";".join(f"k{n}" for n in range(20_000)) + "\n",
        "refused",
        "unknown_format",
        1,
        source=swing(),
    )
    yield _text(
        "a row of a million fields",
        lambda: f"{GOOD}Uitgeest;2016;1{';' * 1_000_000}x\n",
        "quarantined",
        "wrong_column_count",
        4,
        rows=2,
    )


def _rows() -> Iterator[Maker]:
    """Rows without end."""
    yield _text("a hundred thousand blank rows", lambda: GOOD + ";;\n" * 100_000, "loads", rows=2)
    yield _text(
        "a hundred thousand unknown regions",
        lambda: GOOD + "".join(f"Nergens {n};2016;1\n" for n in range(100_000)),
        "quarantined",
        "unknown_region",
        4,
        1,
        rows=2,
        bad=100_000,
    )
    yield _text(
        "a key three hundred thousand times",
        lambda: HEADER + "Heiloo;2016;1\n" * 300_000,
        "quarantined",
        "duplicate_key",
        2,
        1,
        bad=300_000,
    )
    yield _text(
        "a hundred thousand rows too short",
        lambda: GOOD + "Heiloo;2016\n" * 100_000,
        "quarantined",
        "wrong_column_count",
        4,
        rows=2,
        bad=100_000,
    )
    yield _text(
        "a BSN behind half a million rows",
        lambda: HEADER + "Heiloo;2016;1\n" * 500_000 + f"Heiloo;2016;1;{BSN}\n",
        "refused",
        "personal_data",
        500_002,
        4,
    )


def _noughts(size: int) -> bytes:
    """A package of which one part holds `size` noughts."""
    packed = io.BytesIO()
    with (
        zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as package,
        package.open(SHEET, "w", force_zip64=True) as part,
    ):
        for _ in range(size // 1024**2):
            part.write(bytes(1024**2))
    return packed.getvalue()


def _lying(data: bytes, part: bytes) -> bytes:
    """The package with its part said to be a kilobyte."""
    changed = bytearray(data)
    at = changed.rindex(b"PK\x01\x02", 0, changed.rindex(part))
    changed[at + 24 : at + 28] = (1024).to_bytes(4, "little")
    return bytes(changed)


def _packages() -> Iterator[Maker]:
    """Packages that unpack to more than they say, or than anybody needs."""
    good = made(ROWS)

    def blank_rows(count: int) -> bytes:
        rows = "".join(f'<row r="{n}"/>' for n in range(4, count + 4))
        return patched(good, {SHEET: replaced("</sheetData>", f"{rows}</sheetData>")})

    def empty_cells(count: int) -> bytes:
        rows = "".join(f'<row r="{n}"><c r="A{n}" s="0"/><c r="C{n}"/></row>' for n in range(4, count + 4))
        return patched(good, {SHEET: replaced("</sheetData>", f"{rows}</sheetData>")})

    def last_row() -> bytes:
        cell = '<row r="1048576"><c r="XFD1048576" t="n"><v>1</v></c></row>'
        return patched(good, {SHEET: replaced("</sheetData>", f"{cell}</sheetData>")})

    def long_text() -> bytes:
        return patched(good, {SHEET: replaced("Heiloo", "Heiloo" * 3_000_000)})

    def many_merges() -> bytes:
        merges = "".join(f'<mergeCell ref="E{n}:F{n}"/>' for n in range(1, 200_001))
        return patched(good, {SHEET: replaced("</sheetData>", f"</sheetData><mergeCells>{merges}</mergeCells>")})

    def many_texts() -> bytes:
        texts = "".join(f"<si><t>{n}</t></si>" for n in range(250_000))
        return patched(with_shared_texts(good), {TEXTS: replaced("</sst>", f"{texts}</sst>")})

    def many_elements(part: str, before: str, unit: str) -> bytes:
        # As they are, for what packs well is refused before it is read.
        return patched(good, {part: replaced(before, f"{unit * 600_000}{before}")}, zipfile.ZIP_STORED)

    bomb = "unknown_format"
    yield _book("a package of three hundred megabytes", lambda: _noughts(300 * 1024**2), "refused", bomb)
    yield _book("a sheet that packs a thousandfold", lambda: patched(good, {SHEET: bytes(_MANY)}), "refused", bomb)
    yield _book(
        "a sheet that lies about its size",
        lambda: _lying(patched(good, {SHEET: bytes(_MANY)}), SHEET.encode()),
        "refused",
        bomb,
    )
    yield _book(
        "a package in a package in a package",
        lambda: patched(good, {"xl/embeddings/a.zip": patched(good, {"b.zip": _noughts(64 * 1024**2)})}),
        "loads",
        rows=2,
    )
    yield _book(
        "a thousand parts",
        lambda: patched(good, {f"xl/media/{n}.xml": b"<x/>" for n in range(1_000)}),
        "loads",
        rows=2,
    )
    yield _book("a text of twenty megabytes in a cell", long_text, "refused", bomb)
    yield _book("two hundred thousand empty rows", lambda: blank_rows(200_000), "loads", rows=2)
    yield _book("two hundred thousand rows of empty cells", lambda: empty_cells(200_000), "loads", rows=2)
    yield _book(
        "six hundred thousand cells in one row", lambda: many_elements(SHEET, "</row>", "<c/>"), "refused", bomb
    )
    yield _book(
        "six hundred thousand elements beside the rows",
        lambda: many_elements(SHEET, "</sheetData>", "<x/>"),
        "refused",
        bomb,
    )
    yield _book(
        "six hundred thousand styles", lambda: many_elements("xl/styles.xml", "</cellXfs>", "<xf/>"), "refused", bomb
    )
    yield _book("a cell at the far end of the sheet", last_row, "refused", bomb)
    yield _book("two hundred thousand merged cells", many_merges, "refused", bomb)
    yield _book("a quarter of a million texts that no cell has", many_texts, "loads", rows=2)


def main() -> None:
    """Read every case, one by one."""
    wrong: dict[str, list[str]] = {}
    for name, make in makers().items():
        case = make()
        screened = read_case(case)
        wrong[name] = differences(case, screened)
        told = everything_told(screened, [])
        wrong[name] += ["tells a BSN"] * any(secret in told for secret in SECRETS)
        del case, screened, told
    json.dump({"wrong": wrong, "peak_kib": _peak_kib()}, sys.stdout)


def _peak_kib() -> int:
    """What this process held at most. `ru_maxrss` counts in what the process held that started it, on Linux."""
    status = Path("/proc/self/status")
    if not status.exists():
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak // 1024 if sys.platform == "darwin" else peak
    return next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmHWM:"))


if __name__ == "__main__":
    main()
