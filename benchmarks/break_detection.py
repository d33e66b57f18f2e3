"""Trend breaks of 100,000 and of 400,000 series, beside ruptures on series of the same panel, in one go.

    .venv/bin/python benchmarks/break_detection.py [rounds]

The panels are simulated (250 and 1,000 indicators of 400 fictional municipalities, 16 half-years, counts) and written
to Parquet. Every measurement is a process of its own, in turn: `detect` on the smaller panel, `detect` on the larger
one, and PELT of ruptures (squared errors, jump 1, the penalty of BIC) on the logs of 2,000 series of the smaller one,
in Python and as KernelCPD in C, extrapolated per series. Quoted are medians of wall seconds, of reading with detecting
and of detecting alone, the peak memory of the process, and the ratios round by round. Bounds, on 2 cores: 30 s and 2
GiB for 100,000 series, and 4.4 times as long for four times as many.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SEED = 2100
MUNICIPALITIES, PERIODS = 400, 16
SIZES = (100_000, 400_000)
SAMPLE = 2_000
MOST_SECONDS, MOST_MIB, MOST_TIMES = 30.0, 2 * 1024, 4.4


def generate(path: Path, series: int) -> None:
    """A panel of so many series as Parquet."""
    import pyarrow.parquet as pq

    from pipelines.breaks.evaluation.simulate import simulate

    panel = simulate("plain", seed=SEED, series=MUNICIPALITIES, periods=PERIODS, indicators=series // MUNICIPALITIES)
    pq.write_table(panel.panel, path)


def detected(path: Path) -> dict[str, Any]:
    """Detect on a panel, with the seconds of that alone."""
    import pyarrow.parquet as pq

    from pipelines.breaks import detect

    panel = pq.read_table(path)
    started = time.monotonic()
    breaks = detect(panel).breaks
    return {"seconds": time.monotonic() - started, "found": breaks.num_rows}


def segmented(path: Path, in_c: bool) -> dict[str, Any]:
    """PELT on the first series of a panel, with the seconds of that alone."""
    import numpy as np
    import pyarrow.parquet as pq
    import ruptures

    table = pq.read_table(path, columns=["indicator_id", "region_code", "value"]).slice(0, SAMPLE * PERIODS)
    key = np.char.add(table["indicator_id"].to_numpy().astype(str), table["region_code"].to_numpy().astype(str))
    value = np.log(np.maximum(np.nan_to_num(table["value"].to_numpy()), 1.0))
    series = np.split(value, np.flatnonzero(key[1:] != key[:-1]) + 1)
    penalty = 2.0 * np.log(PERIODS)
    started = time.monotonic()
    found = 0
    for one in series:
        scaled = (one - np.median(one)) / max(float(np.median(np.abs(np.diff(one)))), 0.01)
        if in_c:
            fitted = ruptures.KernelCPD(kernel="linear", min_size=1, jump=1).fit(scaled[:, None])
        else:
            fitted = ruptures.Pelt(model="l2", min_size=1, jump=1).fit(scaled)
        found += len(fitted.predict(pen=penalty)) - 1
    return {"seconds": (time.monotonic() - started) * SIZES[0] / len(series), "found": found}


def measure(*command: str) -> dict[str, float]:
    """Wall seconds and peak MiB of a process of this file, with what it told of itself."""
    with tempfile.TemporaryFile() as told:
        started = time.monotonic()
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        process = subprocess.Popen([sys.executable, __file__, *command], env=environment, stdout=told)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - started
        if status:
            raise SystemExit(f"{' '.join(command)} ended with status {status}")
        told.seek(0)
        return {**json.loads(told.read()), "wall": wall, "mib": usage.ru_maxrss / 1024}


def main(rounds: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        panels = [Path(name) / f"{series}.parquet" for series in SIZES]
        for path, series in zip(panels, SIZES, strict=True):
            # In a process of its own, so that nothing of the panel is left in memory.
            subprocess.run(
                [sys.executable, __file__, "--generate", str(path), str(series)],
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                check=True,
            )
        commands = {
            f"detect {SIZES[0]:,}": ("--detect", str(panels[0])),
            f"detect {SIZES[1]:,}": ("--detect", str(panels[1])),
            f"PELT {SIZES[0]:,}": ("--pelt", str(panels[0])),
            f"PELT in C {SIZES[0]:,}": ("--pelt-in-c", str(panels[0])),
        }
        found = [{label: measure(*command) for label, command in commands.items()} for _ in range(rounds)]
    for label in commands:
        seconds, wall = (statistics.median(one[label][part] for one in found) for part in ("seconds", "wall"))
        if "PELT" in label:
            print(f"{label + ':':20}{seconds:7.1f} s extrapolated from {SAMPLE}")
        else:
            peak = max(one[label]["mib"] for one in found)
            print(f"{label + ':':20}{seconds:7.1f} s  process {wall:6.1f} s  peak {peak:6.0f} MiB")
    small, large, python, in_c = commands
    ratios = {
        f"{over} / {under}": statistics.median(one[over]["seconds"] / one[under]["seconds"] for one in found)
        for over, under in ((large, small), (python, small), (in_c, small))
    }
    for label, ratio in ratios.items():
        print(f"{label + ':':40}{ratio:6.2f}   ({rounds} rounds)")
    seconds, times = statistics.median(one[small]["wall"] for one in found), ratios[f"{large} / {small}"]
    peak = max(one[small]["mib"] for one in found)
    if seconds > MOST_SECONDS or peak > MOST_MIB or times > MOST_TIMES:
        raise SystemExit(f"slower or larger than {MOST_SECONDS:.0f} s, {MOST_MIB} MiB or {MOST_TIMES} times")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["--generate", path, series]:
            generate(Path(path), int(series))
        case ["--detect", path]:
            print(json.dumps(detected(Path(path))))
        case ["--pelt" | "--pelt-in-c" as option, path]:
            print(json.dumps(segmented(Path(path), option == "--pelt-in-c")))
        case [rounds]:
            main(int(rounds))
        case _:
            main(3)
