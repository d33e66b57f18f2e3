"""Fixtures that every test may use."""

from __future__ import annotations

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
