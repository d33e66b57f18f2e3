"""What importing a reader brings along."""

from __future__ import annotations

import subprocess
import sys

from pipelines.settings import PROJECT_ROOT


def test_pulling_a_table_does_not_wait_for_declarations_and_readers_of_files() -> None:
    script = (
        "import sys, pipelines.pull.services\n"
        "unused = ('pipelines.declarations', 'pipelines.readers.delimited', 'pipelines.readers.tabular', 'openpyxl')\n"
        "print([name for name in unused if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=PROJECT_ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
