"""Some lines with a number each, in a file of many splits, and a folder to look at."""

import tempfile

import pytest
from fault_scene import children, until

import mincer

LINES = 30_000


class Input:
    def __init__(self, path):
        self.path = path
        self.lines = [f"{n:07}" for n in range(LINES)]
        path.write_text("\n".join(self.lines) + "\n", "utf-8")

    def source(self, split_size=20_000):
        return mincer.sources.text(str(self.path), split_size=split_size)


@pytest.fixture(scope="session")
def numbers(tmp_path_factory):
    return Input(tmp_path_factory.mktemp("numbers") / "numbers.txt")


@pytest.fixture
def spill(tmp_path, monkeypatch):
    """Where spill folders are made, by this process and those it starts. Must be empty
    at the end."""
    folder = tmp_path / "spill"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)
    yield folder
    assert [path.name for path in folder.iterdir()] == []


@pytest.fixture(autouse=True)
def nobody_left():
    before = set(children())
    yield
    assert until(lambda: not set(children()) - before, 5), "processes are left"
