"""Files, folders and globs, in one order; and what cannot be read, by name."""

import os
from pathlib import Path

import pytest

from mincer.errors import InputError, UsageError
from mincer.sources.paths import check_paths, find_files


@pytest.fixture
def tree(tmp_path, monkeypatch):
    for name in [
        "b.txt", "a.txt", "sub/c.txt", "sub/deep/d.csv", "_SUCCESS", ".hidden",
        "_tmp/x.txt", ".git/y.txt", "sub/_z.txt", "[odd].txt",
    ]:  # fmt: skip
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def found(*paths):
    return [
        file and file.path.replace(os.sep, "/")
        for file in find_files(check_paths([*paths]))
    ]


def test_a_file_with_its_size_and_time(tree):
    (file,) = find_files(("in/a.txt",))
    status = os.stat("in/a.txt")
    assert file == ("in/a.txt", 5, status.st_mtime_ns)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("in", ["in/[odd].txt", "in/a.txt", "in/b.txt", "in/sub/c.txt",
                "in/sub/deep/d.csv"]),
        ("in/sub/", ["in/sub/c.txt", "in/sub/deep/d.csv"]),
        ("in/*.txt", ["in/[odd].txt", "in/a.txt", "in/b.txt"]),
        ("in/[ab].txt", ["in/a.txt", "in/b.txt"]),
        ("in/s*", ["in/sub/c.txt", "in/sub/deep/d.csv"]),
        ("in/**", ["in/[odd].txt", "in/a.txt", "in/b.txt", "in/sub/c.txt",
                   "in/sub/deep/d.csv"]),
        ("in/**/*.txt", ["in/[odd].txt", "in/a.txt", "in/b.txt", "in/sub/c.txt"]),
        # What is named is taken, whatever its name.
        ("in/[odd].txt", ["in/[odd].txt"]),
        ("in/.hidden", ["in/.hidden"]),
        ("in/_tmp", ["in/_tmp/x.txt"]),
        ("in/_tmp/*", ["in/_tmp/x.txt"]),
        ("in/_S*", ["in/_SUCCESS"]),
        ("in/.h*", ["in/.hidden"]),
        ("./in/a.*", ["./in/a.txt"]),
    ],
)  # fmt: skip
def test_what_a_path_means(tree, path, expected):
    assert found(path) == expected


def test_lists_keep_their_order_and_repetitions(tree):
    assert found("in/b.txt", Path("in/a.txt"), "-", "in/b.txt") == [
        "in/b.txt", "in/a.txt", None, "in/b.txt",
    ]  # fmt: skip


def test_links(tree):
    os.symlink("a.txt", "in/link.txt")
    os.symlink("..", "in/sub/loop")
    assert found("in/l*") == ["in/link.txt"]
    assert "in/sub/loop/a.txt" not in found("in")


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("in/none.txt", "no such file or folder: in/none.txt"),
        ("in/a.txt/x", "no such file or folder: in/a.txt/x"),
        ("in/*.json", r"no file matches in/\*\.json"),
        ("empty", "the folder empty holds no files"),
        ("broken", "cannot read broken: No such file"),
        ("pipe", "pipe is not a regular file"),
    ],
)
def test_what_is_not_there(tree, path, message):
    Path("empty").mkdir()
    Path("empty/_only").write_text("")
    os.symlink("nowhere", "broken")
    os.mkfifo("pipe")
    with pytest.raises(InputError, match=message):
        find_files((path,))


def test_what_may_not_be_read(tree, monkeypatch):
    # Root may read everything, so the system's answer is a fake.
    monkeypatch.setattr(os, "access", lambda path, mode: not path.endswith("b.txt"))
    with pytest.raises(InputError, match=r"cannot read in/b\.txt: Permission denied"):
        find_files(("in",))


def test_a_folder_that_cannot_be_listed(tree, monkeypatch):
    listed = os.scandir

    def refuse(path):
        if str(path).endswith("sub"):
            raise PermissionError(13, "Permission denied", path)
        return listed(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(InputError, match="cannot list in/sub: Permission denied"):
        find_files(("in",))


def test_stdin_once():
    with pytest.raises(InputError, match="twice"):
        find_files(("-", "-"))


@pytest.mark.parametrize("wrong", [[], (), "", b"x", 1, None, ["a", 2], "a\0b", [""]])
def test_paths_are_checked(wrong):
    with pytest.raises(UsageError, match="paths"):
        check_paths(wrong)
