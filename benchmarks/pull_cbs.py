"""`nulmeting pull cbs` against the package `cbsodata` on one generated table of OData v3.

    python3 -m venv /tmp/cbsodata && /tmp/cbsodata/bin/pip install cbsodata pandas pyarrow
    .venv/bin/python benchmarks/pull_cbs.py --cbsodata /tmp/cbsodata/bin/python [--rows 1000000] [--rounds 5]
    .venv/bin/python benchmarks/pull_cbs.py --rows 1000000 --growth 10

The table has wide rows: three dimensions and five topics, in pages of 10,000 with a link to the next. The server is a
process of its own and hands out bytes that were made before. Both clients are whole processes, in turn, from their
start to typed Parquet on the disk; quoted are medians of wall seconds and of CPU seconds, rows of the table a second,
the largest peak of memory, and the ratios. `--growth` compares the peak of our memory with that on a table so many
times as large.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

BIN = Path(sys.executable).parent
TABLE = "99999NED"
PAGE = 10_000
TOPICS = ("Totaal_1", "Mannen_2", "Vrouwen_3", "Aandeel_4", "Bedrag_5")
THEIRS = """
import sys
import cbsodata, pandas
cbsodata.options.use_https = False
cbsodata.options.catalog_url = sys.argv[1]
pandas.DataFrame(cbsodata.get_data(sys.argv[2])).to_parquet(sys.argv[3])
"""


@dataclass(frozen=True)
class Measured:
    """One process: wall and CPU seconds, peak memory in MiB."""

    wall: float
    cpu: float
    peak: float


def make_table(folder: Path, rows: int, address: str) -> None:
    """Every answer about the table, each in a file under its name; a page under that of its `$skip`."""
    feed = f"http://{address}/ODataFeed/odata/{TABLE}"
    lists = {
        "TableInfos": [{"ID": 0, "Identifier": TABLE, "Title": "Verzonnen", "Modified": "2026-07-01T02:00:00"}],
        "CategoryGroups": [],
        "Geslacht": [{"Key": key, "Title": title} for key, title in GESLACHT.items()],
        "RegioS": [{"Key": f"VB{number:04d}    ", "Title": f"Voorbeeld {number}"} for number in range(342)],
        "Perioden": [{"Key": f"{year}JJ00", "Title": str(year), "Status": "Definitief"} for year in range(2000, 2024)],
        "DataProperties": [
            *({"Type": "Dimension", "Key": key, "Title": key, "ParentID": None} for key in ("Geslacht", "RegioS")),
            {"Type": "TimeDimension", "Key": "Perioden", "Title": "Perioden", "ParentID": None},
            *(
                {
                    "Type": "Topic",
                    "Key": key,
                    "Title": key[:-2],
                    "Unit": "aantal",
                    "Datatype": "Double",
                    "ParentID": None,
                }
                for key in TOPICS
            ),
        ],
    }
    names = [*lists, "TypedDataSet", "UntypedDataSet"]
    lists[""] = [{"name": name, "url": f"{feed}/{name}"} for name in names]
    for name, values in lists.items():
        (folder / f"{name}.json").write_text(json.dumps({"odata.metadata": feed, "value": values}), encoding="utf-8")
    figures = list(_figures())
    for start in range(0, rows, PAGE):
        count = min(PAGE, rows - start)
        body = ",".join(f'{{"ID":{start + place},{figures[place]}}}' for place in range(count))
        is_last = start + count >= rows
        link = "" if is_last else f',"odata.nextLink":"{feed}/TypedDataSet?$format=json&$skip={start + PAGE}"'
        page = f'{{"odata.metadata":"{feed}/$metadata","value":[{body}]{link}}}'
        (folder / f"TypedDataSet-{start}.json").write_text(page, encoding="utf-8")


GESLACHT = {"T001038": "Totaal mannen en vrouwen", "3000   ": "Mannen", "4000   ": "Vrouwen"}


def _figures() -> Iterator[str]:
    """The rest of every row of a page. Pages differ in the numbers of their rows: parsing does not mind."""
    chance = random.Random(2015)  # noqa: S311 - no secrets
    for place in range(PAGE):
        values = (
            chance.randrange(10**6),
            round(chance.random() * 1000, 1),
            None if place % 10 == 0 else chance.randrange(1000),
            round(chance.random() * 100, 2),
            chance.randrange(10**7),
        )
        row = {
            "Geslacht": list(GESLACHT)[place % 3],
            "RegioS": f"VB{place % 342:04d}    ",
            "Perioden": f"{2000 + place % 24}JJ00",
            **dict(zip(TOPICS, values, strict=True)),
        }
        yield json.dumps(row, separators=(",", ":"))[1:-1]


def serve(folder: Path, port: int) -> None:
    """Hand out what is there."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            resource = unquote(parts.path).partition(f"/odata/{TABLE}")[2].strip("/")
            if resource == "TypedDataSet":
                resource += f"-{dict(parse_qsl(parts.query)).get('$skip', 0)}"
            file = folder / f"{resource}.json"
            body = file.read_bytes() if "ODataFeed" in parts.path and file.is_file() else b""
            self.send_response(200 if body else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
            """Keep quiet."""

    ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()


@contextmanager
def serving(rows: int) -> Iterator[str]:
    """The address of a server of a table of so many rows."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"127.0.0.1:{port}"
    with tempfile.TemporaryDirectory() as folder:
        make_table(Path(folder), rows, address)
        process = subprocess.Popen([sys.executable, __file__, "--serve", folder, "--port", str(port)])
        try:
            while socket.socket().connect_ex(("127.0.0.1", port)):
                time.sleep(0.05)
            yield address
        finally:
            process.terminate()
            process.wait()


def measure(command: list[str], environment: dict[str, str]) -> Measured:
    started = time.monotonic()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command[:4])} ended with status {status}")
    return Measured(time.monotonic() - started, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def ours(address: str, data: Path) -> Measured:
    host = f"http://{address}"
    environment = {**os.environ, "NULMETING_CBS_V3_URL": host, "NULMETING_DATA_DIR": str(data)}
    return measure([str(BIN / "nulmeting"), "pull", "cbs", TABLE], environment)


def theirs(address: str, data: Path, python: str) -> Measured:
    return measure([python, "-c", THEIRS, address, TABLE, str(data / "theirs.parquet")], dict(os.environ))


def side_by_side(rows: int, rounds: int, python: str) -> None:
    with serving(rows) as address, tempfile.TemporaryDirectory() as folder:
        ours(address, Path(folder))
        pairs = [(ours(address, Path(folder)), theirs(address, Path(folder), python)) for _ in range(rounds)]
    for name, runs in (("nulmeting pull", [a for a, _ in pairs]), ("cbsodata", [b for _, b in pairs])):
        wall, cpu = (statistics.median(getattr(run, what) for run in runs) for what in ("wall", "cpu"))
        peak = max(run.peak for run in runs)
        print(f"{name:15} {wall:7.2f} s {rows / wall:12,.0f} rows/s   CPU {cpu:6.2f} s   peak {peak:6.0f} MiB")
    speed = statistics.median(b.wall / a.wall for a, b in pairs)
    memory = max(a.peak for a, _ in pairs) / min(b.peak for _, b in pairs)
    print(f"{rows:,} rows: {speed:.2f} times the rows a second, {memory:.0%} of the peak ({rounds} pairs)")


def growth(rows: int, times: int, rounds: int) -> None:
    peaks = []
    for size in (rows, rows * times):
        with serving(size) as address, tempfile.TemporaryDirectory() as folder:
            runs = [ours(address, Path(folder)) for _ in range(rounds)]
        peaks.append(statistics.median(run.peak for run in runs))
        wall = statistics.median(run.wall for run in runs)
        print(f"{size:>12,} rows: {wall:7.2f} s   peak {peaks[-1]:6.0f} MiB   (of {rounds})")
    print(f"peak at {times} times the rows: {peaks[1] / peaks[0]:.0%}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cbsodata", metavar="PYTHON", help="an interpreter that has cbsodata, pandas and pyarrow")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--growth", type=int, metavar="TIMES")
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.serve:
        serve(chosen.serve, chosen.port)
    elif chosen.growth:
        growth(chosen.rows, chosen.growth, chosen.rounds)
    elif chosen.cbsodata:
        side_by_side(chosen.rows, chosen.rounds, chosen.cbsodata)
    else:
        parser.error("name --cbsodata PYTHON to compare with, or --growth TIMES")


if __name__ == "__main__":
    main()
