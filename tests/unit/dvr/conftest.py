"""The two folders of a DVR."""

from pathlib import Path

import pytest


@pytest.fixture
def temp(tmp_path: Path) -> Path:
    """For journals."""
    (tmp_path / "temp").mkdir()
    return tmp_path / "temp"


@pytest.fixture
def done(tmp_path: Path) -> Path:
    """For finished recordings."""
    (tmp_path / "done").mkdir()
    return tmp_path / "done"
