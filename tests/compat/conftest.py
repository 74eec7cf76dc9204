"""What tests of the old names share: a home of their own, processes that end."""

import os

import pytest
from compat_ends import Processes

from mincer.net import settings


@pytest.fixture(autouse=True)
def home(monkeypatch, tmp_path):
    """Nothing is set but where the user's own key is."""
    for name in [name for name in os.environ if name.startswith("MINCER_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("MINCER_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)
    settings._read.cache_clear()
    yield tmp_path / "home"
    settings._read.cache_clear()


@pytest.fixture
def processes(tmp_path):
    made = Processes(tmp_path)
    yield made
    made.end()
