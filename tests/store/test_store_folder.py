"""Folders that are gone with their process, however it ends."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mincer.store import folder as module
from mincer.store.folder import OwnedFolder, sweep


@pytest.fixture
def parent(tmp_path):
    return str(tmp_path)


def start_owner(parent, end):
    """A process that makes a folder, tells its path, and ends as it is told."""
    code = (
        "import os, signal, sys\n"
        "from mincer.store.folder import OwnedFolder\n"
        f"owned = OwnedFolder({parent!r})\n"
        "print(owned.path, flush=True)\n"
        f"sys.stdin.readline()\n{end}\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    return process, process.stdout.readline().strip()


def finish(process):
    process.communicate("\n")


def test_a_folder_is_removed_with_all_that_is_in_it(parent):
    folder = OwnedFolder(parent)
    with open(os.path.join(folder.path, "file"), "wb"):
        pass
    folder.remove()
    folder.remove()
    assert os.listdir(parent) == []


def test_the_folder_of_a_living_process_is_left_alone(parent):
    process, path = start_owner(parent, "")
    own = OwnedFolder(parent)
    sweep(parent)
    assert os.path.isdir(path)
    assert os.path.isdir(own.path)
    finish(process)
    own.remove()


@pytest.mark.parametrize("end", ["os.kill(os.getpid(), signal.SIGKILL)", "os._exit(1)"])
def test_the_folder_of_a_dead_process_is_removed_by_the_next(parent, end):
    process, path = start_owner(parent, end)
    finish(process)
    assert os.path.isdir(path)
    own = OwnedFolder(parent)
    assert not os.path.exists(path)
    own.remove()


def test_what_is_not_ours_is_left_alone(parent):
    os.mkdir(os.path.join(parent, "mincer-of-a-user"))
    os.mkdir(os.path.join(parent, "other"))
    with open(os.path.join(parent, "mincer-file"), "wb"):
        pass
    os.symlink(parent, os.path.join(parent, "mincer-link"))
    before = sorted(os.listdir(parent))
    sweep(parent)
    assert sorted(os.listdir(parent)) == before


def test_a_folder_that_was_never_born_is_removed_when_it_is_old(parent, monkeypatch):
    unborn = os.path.join(parent, "mincer-abcd1234")
    os.mkdir(unborn)
    sweep(parent)
    assert os.path.isdir(unborn)
    monkeypatch.setattr(module, "_UNBORN_S_MAX", -1.0)
    sweep(parent)
    assert not os.path.exists(unborn)


def test_a_lock_that_may_not_be_opened_is_somebodys(parent):
    """As that of another user, whose files we may not write."""
    theirs = os.path.join(parent, "mincer-abcd1234")
    os.makedirs(os.path.join(theirs, "lock"))
    sweep(parent)
    assert os.path.isdir(theirs)


def test_a_folder_that_nobody_has_any_more_is_gone(tmp_path):
    path = OwnedFolder(str(tmp_path)).path
    assert not os.path.exists(path)


def test_a_folder_may_keep_some_of_its_files(tmp_path):
    owned = OwnedFolder(str(tmp_path))
    inner = Path(owned.path, "a", "b")
    inner.mkdir(parents=True)
    Path(owned.path, "empty").mkdir()
    for name in ("kept", "large"):
        (inner / name).write_bytes(b"data")
    with open(inner / "large", "rb") as file:
        owned.remove_but({str(inner / "kept")})
        assert file.read() == b""  # its room is given back, though it is open
    left = sorted(path.name for path in Path(owned.path).rglob("*"))
    assert left == ["a", "b", "kept", "lock"]
    sweep(str(tmp_path))
    assert (inner / "kept").read_bytes() == b"data"
    owned.remove()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_process_removes_nothing_of_its_parent(tmp_path):
    owned = OwnedFolder(str(tmp_path))
    pid = os.fork()
    if not pid:
        owned.remove()
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
    assert os.path.exists(owned.path)
    owned.remove()
    assert not os.path.exists(owned.path)
