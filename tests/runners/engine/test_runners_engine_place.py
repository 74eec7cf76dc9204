"""What a process of an engine keeps: a folder of its own, the modules of jobs."""

import importlib
import os
import subprocess
import sys

import pytest

from mincer.net.same_folder import leave_token
from mincer.runners.engine import place
from mincer.worker.modules import collect


@pytest.fixture
def fresh(monkeypatch):
    """As if this process had done nothing yet."""
    monkeypatch.setattr(place, "_folder", None)
    monkeypatch.setattr(place, "_installed", {})
    monkeypatch.setattr(sys, "path", list(sys.path))


def test_the_folder_is_of_this_process_alone(fresh, tmp_path, monkeypatch):
    monkeypatch.setenv("SPARK_LOCAL_DIRS", f"{tmp_path},/nowhere")
    folder = place.folder()
    assert os.path.dirname(folder) == str(tmp_path)
    assert place.folder() == folder
    assert os.stat(folder).st_mode & 0o77 == 0
    place._folder.remove()


MODULE = "def mapfn(key, value):\n    yield {answer}, value\n"


def packed(path, answer, monkeypatch):
    """The module set of a job whose module has this answer; it is not left here."""
    path.mkdir()
    (path / "of_a_job.py").write_text(MODULE.format(answer=answer))
    with monkeypatch.context() as patch:
        patch.syspath_prepend(path)
        module = importlib.import_module("of_a_job")
        modules = collect([module.mapfn])
        del sys.modules["of_a_job"]
    importlib.invalidate_caches()
    return modules


def answer():
    module = importlib.import_module("of_a_job")
    return next(module.mapfn(0, 0))[0]


def test_a_module_gives_way_to_a_later_one(fresh, tmp_path, monkeypatch):
    first = packed(tmp_path / "one", 1, monkeypatch)
    second = packed(tmp_path / "two", 2, monkeypatch)
    for modules, expected in ((first, 1), (first, 1), (second, 2), (first, 1)):
        place.install(modules)
        assert answer() == expected
    assert len(place._installed) == 1
    del sys.modules["of_a_job"]
    place._folder.remove()


def test_what_is_importable_anyway_stays(fresh, tmp_path, monkeypatch):
    modules = packed(tmp_path / "one", 1, monkeypatch)
    monkeypatch.syspath_prepend(tmp_path / "one")
    before = list(sys.path)
    place.install(modules)
    assert sys.path == before
    place._folder.remove()


def test_without_modules_there_is_nothing_to_do(fresh):
    place.install(collect([]))
    assert place._folder is None


def test_a_folder_that_is_seen_here(tmp_path):
    token = leave_token(str(tmp_path))
    assert place.is_shared(token)
    assert place.is_shared(token)  # as it was found
    assert not place.is_shared((token[0] + b"-elsewhere", token[1]))


def test_the_folder_goes_with_its_process(tmp_path):
    program = "from mincer.runners.engine.place import folder; print(folder())"
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    assert not os.path.exists(done.stdout.strip())
