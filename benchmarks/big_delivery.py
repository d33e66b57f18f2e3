"""A delivery of five million rows through `nulmeting check` and through a load, against pandas with the same checks.

    .venv/bin/python benchmarks/big_delivery.py [rows] [rounds]

Measured are whole processes, in turn, on the same generated file: `nulmeting check`, `nulmeting run` of its one asset
(reading, snapshot, warehouse, checks), and `pandas.read_csv` of everything as text followed by the checks that pandas
can do for whole columns: known names, numbers in declared form, repeated keys, nine digits that pass the eleven test.
pandas does them without physical lines, quoted cells, quarantine or anything that is kept. Quoted are medians of wall
and processor seconds, the peak memory of the process, and the ratio pair by pair. The figures are invented, and so
are the municipalities.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

BIN = Path(sys.executable).parent
SOURCE = "voorbeeld_voorzieningen"
YEARS = range(2015, 2027)
NAMES = [
    *(f"Voorbeeldstad {number:03d}" for number in range(300)),
    *(f"'s-Voorbeeld aan de Rûn {number:02d}" for number in range(40)),
    "Voorbeek (NH.)",
    "Voorbeek (L.)",
]
# One row in so many has something wrong with it, and each of these in turn.
BAD_ONE_IN = 20_000
BAD_ROWS = (
    "Voorbeek;2020;Hulp bij het huishouden;1;1,00",
    "Voorbeeldstad 001;20;Hulp bij het huishouden;1;1,00",
    "Voorbeeldstad 001;2020;Hulp bij het huishouden;n.v.t.;1,00",
    "Voorbeeldstad 001;2020;Hulp bij het huishouden;1;12.34,5",
    "Voorbeeldstad 001;2020;Hulp bij het huishouden;1",
)

DECLARATION = f"""
source_id: {SOURCE}
title: Voorzieningen per gemeente (verzonnen)
publisher: Voorbeeldland
licence: geen
cadence: yearly
profiles: [sample]
origin: {{producer: Voorbeeldland, citation: verzonnen, fictional: true}}
connector: {{kind: folder, pattern: "voorzieningen*.csv"}}
reader:
  kind: delimited
  encoding: utf-8
  delimiter: ";"
  thousands: "."
  columns:
    - {{header: gemeente, name: gemeente, type: region_name}}
    - {{header: jaar, name: jaar, type: year}}
    - {{header: voorziening, name: voorziening, type: text}}
    - {{header: aantal, name: aantal, type: integer}}
    - {{header: bedrag, name: bedrag, type: number, maximum: 1000000000}}
  key: [gemeente, jaar, voorziening]
  no_data_rows:
    - {{kind: total, first_cell: "Totaal"}}
    - {{kind: footer, first_cell: "Bron: .*"}}
"""

PANDAS = """
import sys
import numpy as np
import pandas as pd

names = set(open(sys.argv[2], encoding="utf-8").read().split("\\n"))
frame = pd.read_csv(sys.argv[1], sep=";", dtype=str, keep_default_na=False, on_bad_lines="skip", encoding="utf-8")
data = ~frame["gemeente"].str.strip().str.match("Totaal$|Bron: .*$|$")
known = frame["gemeente"].str.strip().isin(names)
year = frame["jaar"].str.strip().str.fullmatch("(?:19|20)[0-9]{2}")
whole = r"-?(?:[0-9]{1,15}|[0-9]{1,3}(?:[.][0-9]{3}){1,4})"
counted = frame["aantal"].str.strip().str.fullmatch(whole)
amount = frame["bedrag"].str.strip().str.fullmatch(whole + "(?:,[0-9]{1,15})?")
repeated = frame.duplicated(["gemeente", "jaar", "voorziening"], keep=False)
for column in frame:
    digits = frame[column].str.extract(r"(?<![0-9.,])([0-9]{9})(?![0-9.,])")[0].dropna().astype("int64").to_numpy()
    weights = np.array([9, 8, 7, 6, 5, 4, 3, 2, -1])
    persons = (digits[:, None] // 10 ** np.arange(8, -1, -1) % 10 @ weights % 11 == 0).any() if len(digits) else False
good = frame[data & known & year & counted & amount & ~repeated].copy()
good["jaar"] = good["jaar"].astype("int64")
good["aantal"] = good["aantal"].str.replace(".", "").astype("int64")
good["bedrag"] = good["bedrag"].str.replace(".", "").str.replace(",", ".").astype("float64")
print(len(frame), len(good), persons)
"""


@dataclass(frozen=True)
class Measured:
    """One process: wall and processor seconds, and peak memory in MiB."""

    wall: float
    processor: float
    memory: float


def measure(command: list[str], environment: dict[str, str], allowed: tuple[int, ...] = (0,)) -> Measured:
    """Run one process to its end. Raises SystemExit when it ends otherwise than it may."""
    started = time.monotonic()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status) not in allowed:
        raise SystemExit(f"{' '.join(command)} ended with status {status}")
    return Measured(time.monotonic() - started, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def write_delivery(path: Path, rows: int) -> None:
    """A delivery of about `rows` rows with a few bad ones, a total and a footer."""
    chance = np.random.default_rng(20260701)
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write("gemeente;jaar;voorziening;aantal;bedrag\r\n")
        written = 0
        for number in range(rows // (len(NAMES) * len(YEARS)) + 1):
            for year in YEARS:
                counts = chance.integers(0, 9_999, len(NAMES)).tolist()
                cents = chance.integers(0, 9_999_999_999, len(NAMES)).tolist()
                lines = [
                    f"{name};{year};Hulp bij het huishouden, vorm {number:04d};{_grouped(count)};"
                    f"{_grouped(cent // 100)},{cent % 100:02d}"
                    for name, count, cent in zip(NAMES, counts, cents, strict=True)
                ][: rows - written]
                written += len(lines)
                if lines and written // BAD_ONE_IN != (written - len(lines)) // BAD_ONE_IN:
                    lines.append(BAD_ROWS[written // BAD_ONE_IN % len(BAD_ROWS)])
                file.writelines(f"{line}\r\n" for line in lines)
        file.write("Totaal;;;1;1\r\nBron: verzonnen\r\n")


def _grouped(number: int) -> str:
    return f"{number:,}".replace(",", ".")


def write_sources(folder: Path) -> None:
    """Declarations of one source and of the municipalities that it is about."""
    (folder / "catalogue").mkdir(parents=True)
    (folder / "municipal").mkdir()
    (folder / "sample").mkdir()
    regions = ["- {code: VB00, name: Voorbeeldland, region_type: land, is_fictional: true}"]
    regions += [
        f'- {{code: VB{number:04d}, name: "{name}", region_type: gemeente, is_fictional: true}}'
        for number, name in enumerate(NAMES, start=1)
    ]
    (folder / "catalogue" / "regions.yml").write_text("\n".join(regions) + "\n", encoding="utf-8")
    (folder / "municipal" / f"{SOURCE}.yml").write_text(DECLARATION, encoding="utf-8")


def told(name: str, measured: list[Measured]) -> None:
    """One line of figures."""
    wall, processor = (statistics.median(getattr(m, what) for m in measured) for what in ("wall", "processor"))
    memory = max(m.memory for m in measured)
    print(f"{name:34s}{wall:8.1f} s {processor:8.1f} s of processor {memory:8.0f} MiB at its peak")


def main(rows: int, rounds: int) -> None:
    """Generate, measure in turn, and print the medians."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        environment = {
            **os.environ,
            "NULMETING_DATA_DIR": str(root / "data"),
            "NULMETING_SOURCES_DIR": str(root / "sources"),
            "NULMETING_PROFILE": "sample",
            "DO_NOT_TRACK": "1",
        }
        write_sources(root / "sources")
        delivery = root / "sources" / "sample" / "voorzieningen.csv"
        write_delivery(delivery, 1000)
        nulmeting = str(BIN / "nulmeting")
        # The regions come first, from a run over a small delivery, as they do before any municipality delivers.
        measure([nulmeting, "run", "--select", f'+key:"raw/{SOURCE}"'], environment, (0, 1))
        write_delivery(delivery, rows)
        (root / "names.txt").write_text("\n".join(NAMES), encoding="utf-8")
        (root / "equal_checks.py").write_text(PANDAS, encoding="utf-8")
        pandas = [sys.executable, str(root / "equal_checks.py"), str(delivery), str(root / "names.txt")]
        check = [nulmeting, "check", str(delivery)]
        load = [nulmeting, "run", "--select", f'key:"raw/{SOURCE}"']
        checked, loaded, compared = [], [], []
        for number in range(rounds):
            checked.append(measure(check, environment, (1,)))
            # Each load finds the same: the regions, the small delivery, and nothing of the load before.
            data = shutil.copytree(root / "data", root / f"data_{number}")
            loaded.append(measure(load, {**environment, "NULMETING_DATA_DIR": str(data)}, (1,)))
            shutil.rmtree(data)
            compared.append(measure(pandas, environment))
        print(f"{rows} rows, {delivery.stat().st_size / 1024**2:.0f} MiB, {os.cpu_count()} processors, {rounds} rounds")
    told("nulmeting check", checked)
    told("nulmeting run, one asset", loaded)
    told("pandas.read_csv and checks", compared)
    for name, measured in (("check", checked), ("load", loaded)):
        pairs = zip(measured, compared, strict=True)
        ratios = [(a.wall / b.wall, a.memory / b.memory) for a, b in pairs]
        wall, memory = (statistics.median(ratio[place] for ratio in ratios) for place in (0, 1))
        print(f"{name} against pandas: {wall:.2f} of the time, {memory:.2f} of the memory")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5_000_000, int(sys.argv[2]) if len(sys.argv) > 2 else 3)
