"""Fixtures that every test may use."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT_ROOT = Path(__file__).resolve().parent.parent
SHARED_DATA = PROJECT_ROOT.parent / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real responses. Tests that use it are marked `shared_data` and skip where it is absent."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"no real responses to test against: {SHARED_DATA} is absent")
    return SHARED_DATA


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """In CI nothing may skip: a test that could not run there has not passed."""
    report = yield
    if os.environ.get("NULMETING_NO_SKIPS") and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, and nothing may skip here: {report.longrepr}"
    return report


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests that share a run of the main job are one group; where groups are not kept, each worker makes that run."""
    if not getattr(config.option, "loadgroup", False):
        return
    scattered = [item.nodeid for item in items if item.get_closest_marker("xdist_group") and "@" not in item.nodeid]
    if scattered:
        raise pytest.UsageError(f"pytest-xdist does not keep the group of {scattered[0]}")
