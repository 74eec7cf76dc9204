"""The folder of an output on a disk."""

import os

import pytest
from folder_cases import ASIDE, FolderCases

from mincer.errors import OutputError
from mincer.sinks.local_folder import LocalFolder


class TestLocalFolder(FolderCases):
    @pytest.fixture
    def folder(self, tmp_path):
        return LocalFolder(str(tmp_path / "a" / "out"))


def test_a_file_url_is_a_path(tmp_path):
    folder = LocalFolder(f"file://{tmp_path}/out")
    assert folder.path == f"{tmp_path}/out"
    assert folder.at("a/b") == os.path.join(tmp_path, "out", "a", "b")


def test_folders_that_were_made_go_again_when_they_are_empty(tmp_path):
    folder = LocalFolder(str(tmp_path / "a" / "b"))
    folder.make(ASIDE)
    folder.remove(ASIDE)
    (tmp_path / "a" / "other").touch()
    folder.unmake()
    assert os.listdir(tmp_path / "a") == ["other"]


def test_what_is_no_folder_is_refused(tmp_path):
    (tmp_path / "a").touch()
    with pytest.raises(OutputError, match=r"cannot write to out: .* is no folder"):
        LocalFolder(str(tmp_path / "a" / "b")).check("out")
