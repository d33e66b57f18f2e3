"""The second run of the main job against a bare `dbt run` of the same models, in one go.

    .venv/bin/python benchmarks/second_run.py [rounds]

Both are whole processes on the same warehouse, in turn; quoted are medians of wall seconds, the peak memory of the
largest process, and the ratio pair by pair.
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


def measure(command: list[str], environment: dict[str, str]) -> tuple[float, float]:
    """Wall seconds and peak memory in MiB of one process."""
    started = time.monotonic()
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command)} ended with status {status}")
    return time.monotonic() - started, usage.ru_maxrss / 1024


def main(rounds: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            **os.environ,
            "NULMETING_DATA_DIR": folder,
            "NULMETING_WAREHOUSE": str(Path(folder) / "warehouse.duckdb"),
            "DO_NOT_TRACK": "1",
        }
        job = [str(BIN / "nulmeting"), "run"]
        dbt = [str(BIN / "dbt"), "run", "--project-dir", "dbt_project", "--profiles-dir", "dbt_project"]
        dbt += ["--target-path", str(Path(folder) / "bare_dbt"), "--log-path", str(Path(folder) / "logs")]
        measure(job, environment)
        measure(dbt, environment)
        pairs = [(measure(job, environment), measure(dbt, environment)) for _ in range(rounds)]
    walls = [(a[0], b[0]) for a, b in pairs]
    print(f"main job, second run: {statistics.median(a for a, _ in walls):6.1f} s", end="")
    print(f"  peak {max(a[1] for a, _ in pairs):6.0f} MiB")
    print(f"bare dbt run:         {statistics.median(b for _, b in walls):6.1f} s", end="")
    print(f"  peak {max(b[1] for _, b in pairs):6.0f} MiB")
    print(f"ratio:                {statistics.median(a / b for a, b in walls):6.2f}   ({rounds} pairs)")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
