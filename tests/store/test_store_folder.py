"""Folders that are gone with their process, however it ends."""

import os
import subprocess
import sys

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
