"""Input files on a worker: found where they are, looked for a few at a time, copied."""

import os

import pytest

from mincer.net import inputs as module
from mincer.net.inputs import Found, Inputs
from mincer.net.same_file import ONLY_DRIVER, file_told
from mincer.sources.copies import Copy
from mincer.wire.frames import Extent, FileTold, SplitName, StartRow


def told(path):
    found = os.stat(path)
    return file_told(str(path), found.st_size, found.st_mtime_ns)


@pytest.fixture
def files(tmp_path):
    """Two that are here, one that was changed, and one that only the driver has."""
    paths = [tmp_path / name for name in ("one", "two", "changed")]
    for path in paths:
        path.write_bytes(b"some lines\n")
    known = list(map(told, paths))
    paths[2].write_bytes(b"other lines, and more\n")
    return [*known, FileTold(b"/spool", b"/spool", 0, -1, ONLY_DRIVER)]


def row(*extents):
    return StartRow((0, "map", 0, 0), [SplitName(0, 0, list(extents))])


def test_what_is_here_is_told_in_bits(files):
    inputs = Inputs()
    assert not inputs.is_looking
    inputs.add(0, files)
    assert inputs.is_looking
    assert inputs.look() == Found(0, 4, b"\x03")
    assert not inputs.is_looking
    inputs.add(4, files[:1])
    assert inputs.look() == Found(4, 1, b"\x01")


def test_few_are_looked_for_at_a_time(files, monkeypatch):
    monkeypatch.setattr(module, "_LOOK_FILES", 9)
    inputs = Inputs()
    inputs.add(0, [files[0]] * 20)
    found = [inputs.look() for _ in range(3)]
    assert found == [
        Found(0, 9, b"\xff\x01"), Found(9, 9, b"\xff\x01"), Found(18, 2, b"\x03"),
    ]  # fmt: skip
    assert not inputs.is_looking


def test_what_is_not_here_has_to_be_sent(files):
    inputs = Inputs()
    inputs.add(0, files)
    extents = [Extent(nth, 0, 5) for nth in range(4)]
    assert list(inputs.sent_for(row(*extents))) == extents[2:]
    assert [inputs.has(nth) for nth in range(4)] == [True, True, False, False]


def test_copies_tell_what_has_come_of_them(files, tmp_path):
    inputs = Inputs()
    inputs.add(0, files)
    extents = [Extent(2, 4, 9), Extent(2, 8, 11), Extent(2, 15, 16), Extent(3, 7, 9)]
    for name in ("2", "3"):
        (tmp_path / name).write_bytes(b"")
    copies = inputs.copies(
        row(*extents), lambda file: str(tmp_path / str(file)), lambda one: 3
    )
    assert copies == {
        str(tmp_path / "changed"): Copy(
            str(tmp_path / "2"), ((4, 7), (8, 11), (15, 18))
        ),
        "/spool": Copy(str(tmp_path / "3"), ((7, 10),)),
    }
    found = os.stat(tmp_path / "2")
    assert (found.st_size, found.st_mtime_ns) == (11, files[2].mtime_ns)


def test_ranges_that_touch_are_one(files, tmp_path):
    inputs = Inputs()
    inputs.add(0, files)
    (tmp_path / "copy").write_bytes(b"")
    extents = [Extent(3, 5, 9), Extent(3, 0, 5), Extent(3, 2, 3)]
    (copy,) = inputs.copies(
        row(*extents), lambda file: str(tmp_path / "copy"), lambda x: x.end - x.start
    ).values()
    assert copy.ranges == ((0, 9),)
