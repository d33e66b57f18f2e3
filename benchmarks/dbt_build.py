"""A second run of the main job against a bare `dbt run` and `dbt build` of the same models, warm, in one go.

    .venv/bin/python benchmarks/dbt_build.py [rounds]

All are whole processes on one warehouse, which a main job has filled, in turn: `dbt run` (the models), `dbt build` (the
models with all their tests) and, beside them, the main job as a second run, which builds the same models in its own
process and tests none of them. Quoted are medians of wall seconds, the peak memory of the largest process, and the
ratios round by round. Bounds, on 2 cores: 15 s for `dbt run`, 40 s for `dbt build`.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
MOST_SECONDS = {"dbt run": 15.0, "dbt build": 40.0}


def measure(command: list[str], environment: dict[str, str]) -> tuple[float, float]:
    """Wall seconds and peak memory in MiB of one process."""
    started = time.monotonic()
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command)} ended with status {status}")
    return time.monotonic() - started, usage.ru_maxrss / 1024


def commands(folder: Path) -> dict[str, list[str]]:
    """What is held against one another, by name."""
    options = ["--project-dir", "dbt_project", "--profiles-dir", "dbt_project"]
    options += ["--target-path", str(folder / "target"), "--log-path", str(folder / "logs")]
    return {
        "dbt run": [str(BIN / "dbt"), "run", *options],
        "dbt build": [str(BIN / "dbt"), "build", *options],
        "main job": [str(BIN / "nulmeting"), "run"],
    }


def main(rounds: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        environment = {
            **os.environ,
            "NULMETING_DATA_DIR": name,
            "NULMETING_WAREHOUSE": str(folder / "warehouse.duckdb"),
            "DO_NOT_TRACK": "1",
        }
        measured = commands(folder)
        # The first of each fills the warehouse, parses the project and writes the manifests.
        for command in reversed(measured.values()):
            measure(command, environment)
        found = [{name: measure(command, environment) for name, command in measured.items()} for _ in range(rounds)]
    walls = {name: statistics.median(one[name][0] for one in found) for name in measured}
    for name, seconds in walls.items():
        print(f"{name + ':':26}{seconds:6.1f} s  peak {max(one[name][1] for one in found):6.0f} MiB")
    for over, under in (("main job", "dbt run"), ("dbt build", "main job"), ("dbt build", "dbt run")):
        ratio = statistics.median(one[over][0] / one[under][0] for one in found)
        print(f"{over + ' / ' + under + ':':26}{ratio:6.2f}   ({rounds} rounds)")
    slow = [f"{name} {walls[name]:.1f} s" for name, most in MOST_SECONDS.items() if walls[name] > most]
    if slow:
        raise SystemExit(f"slower than {MOST_SECONDS}: {', '.join(slow)}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
