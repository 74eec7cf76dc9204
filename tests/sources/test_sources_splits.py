"""How large splits are, where files are cut, which share one."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mincer.sources.input_file import InputFile
from mincer.sources.splits import FilePiece, cut, runs, split_size, tapered

KIB, MIB, GIB = 2**10, 2**20, 2**30


@pytest.mark.parametrize(
    ("total", "expected"),
    [
        (0, 256 * KIB),
        (1, 256 * KIB),
        (MIB, 384 * KIB),
        (8 * MIB, MIB),
        (128 * MIB, 4 * MIB),
        (GIB, 11 * MIB + 384 * KIB),
        (8 * GIB, 32 * MIB),
        (10**15, 32 * MIB),
    ],
)
def test_split_size(total, expected):
    assert split_size(total) == expected


@given(st.integers(0, 10**15), st.integers(0, 10**15))
def test_more_input_never_means_smaller_splits(one, other):
    small, large = sorted([one, other])
    assert split_size(small) <= split_size(large)
    assert split_size(small) % (64 * KIB) == 0


@pytest.mark.parametrize(
    ("total", "first", "last", "splits"),
    [
        (0, 256 * KIB, 256 * KIB, 0),
        (MIB, 256 * KIB, 256 * KIB, 4),
        (128 * MIB, 16 * MIB, 2 * MIB, 20),
        (GIB, 64 * MIB, 8 * MIB, 40),
        (100 * GIB, 64 * MIB, 8 * MIB, 4000),
    ],
)
def test_splits_taper_off(total, first, last, splits):
    size_at = tapered(total)
    assert size_at(0) == first
    assert size_at(total) == last
    cuts = list(cut([InputFile("a", total, 0)], size_at, lambda file: True))
    sizes = [sum(piece.size_bytes for piece in split) for split in cuts]
    assert sum(sizes) == total
    assert sizes == sorted(sizes, reverse=True)
    assert len(sizes) == (splits or 1)


def test_small_files_share_what_a_large_one_is_cut_into():
    files = [InputFile(str(n), 2 * MIB, 0) for n in range(64)]
    cuts = list(cut(files, tapered(128 * MIB), lambda file: True))
    assert [len(split) for split in cuts] == [8] * 4 + [4] * 4 + [2] * 4 + [1] * 8


def test_a_file_of_a_third_of_a_split_goes_alone():
    files = [InputFile(str(n), 8 * MIB, 0) for n in range(16)]
    cuts = list(cut(files, tapered(128 * MIB), lambda file: True))
    assert {len(split) for split in cuts} == {1}
    assert [split[0].size_bytes // MIB for split in cuts[:16:5]] == [8, 8, 8, 4]


FILES = st.lists(
    st.builds(
        InputFile, st.sampled_from(["a", "b.gz", "c.ZST", "d"]), st.integers(0, 99),
        st.just(0),
    ),
    max_size=20,
)  # fmt: skip


@given(FILES, st.integers(1, 50), st.integers(1, 20))
def test_every_byte_in_one_piece(files, size, grid):
    step = -(-size // grid) * grid
    splits = list(cut(files, lambda done: size, lambda file: file.path != "d", grid))
    pieces = [piece for split in splits for piece in split]
    left = list(files)
    at = 0
    for piece in pieces:
        assert tuple(piece[:3]) == tuple(left[0])
        assert piece.start == at
        assert piece.start % grid == 0
        at = piece.end
        if at is None or at == left[0].size_bytes:
            left.pop(0)
            at = 0
    assert not left
    for split in splits:
        assert len(split) == 1 or sum(piece.size_bytes for piece in split) <= step
    # Nothing could have gone with what stands beside it.
    for one, other in pairwise(splits):
        together = [*one, other[0]]
        assert sum(piece.size_bytes for piece in together) > step


def test_only_large_files_are_asked_about():
    asked = []
    files = [InputFile("a", 10, 0), InputFile("b", 11, 0), InputFile("c.gz", 99, 0)]
    list(cut(files, lambda done: 10, lambda file: asked.append(file.path)))
    assert asked == ["b"]


def test_many_files_are_many_splits():
    files = [InputFile(str(n), 0, 0) for n in range(3000)]
    counts = [len(split) for split in cut(files, lambda done: MIB, lambda file: True)]
    assert counts == [1024, 1024, 952]


def test_names_of_pieces():
    assert str(FilePiece("a", 9, 0, 0, 9)) == "a"
    assert str(FilePiece("a.gz", 9, 0, 0, None)) == "a.gz"
    assert str(FilePiece("a", 9, 0, 3, 9)) == "a bytes 3-9"


@given(st.integers(0, 9), st.integers(0, 20), st.sets(st.integers(0, 30)))
def test_runs(first, count, skip):
    found = list(runs(first, count, frozenset(skip)))
    assert all(start < stop for start, stop in found)
    assert all(a[1] < b[0] for a, b in pairwise(found))
    kept = [n for start, stop in found for n in range(start, stop)]
    assert kept == [n for n in range(count) if first + n not in skip]
