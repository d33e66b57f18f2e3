"""Which code is running: the revision of the working copy, else the release that is installed."""

from __future__ import annotations

import subprocess
from functools import cache
from importlib.metadata import version

from pipelines.settings import PROJECT_ROOT


def release() -> str:
    """The release that is installed."""
    return version("nulmeting")


@cache
def git_revision() -> str:
    """The revision that this process was started on; `package <release>` where there is no working copy of git."""
    try:
        found = subprocess.run(
            ["git", "rev-parse", "HEAD"],  # noqa: S607
            cwd=PROJECT_ROOT,
            capture_output=True,
            text=True,
            check=True,
            timeout=10,
        )
    except (OSError, subprocess.SubprocessError):
        return f"package {release()}"
    return found.stdout.strip()
