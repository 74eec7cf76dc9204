"""A folder that must be empty at the end, and processes that must be gone."""

import tempfile
import threading
import time

import psutil
import pytest


@pytest.fixture
def spill(tmp_path, monkeypatch):
    """Where this process makes its spill folders. Nothing may be left there."""
    folder = tmp_path / "spill"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    yield folder
    assert [path.name for path in folder.iterdir()] == []
    after = psutil.Process().children(recursive=True)
    assert not [one for one in after if one.pid not in before and one.is_running()]


@pytest.fixture
def until():
    """Wait for something to be true; fail when it never is."""

    def wait(true, seconds=20):
        nothing = threading.Event()
        give_up = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < give_up, "it never came"
            nothing.wait(0.01)

    return wait
