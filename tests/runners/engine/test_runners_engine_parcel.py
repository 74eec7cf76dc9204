"""What travels through an engine: groups of parts, and the size of a piece."""

import sys

from hypothesis import given
from hypothesis import strategies as st

from mincer.runners.engine.parcel import Piece, group_bounds
from mincer.runners.engine.tasks import group_of


@given(st.integers(1, 300), st.data())
def test_each_part_is_in_one_group(parts, data):
    groups = data.draw(st.integers(1, parts))
    found = [
        part for group in range(groups) for part in group_bounds(group, groups, parts)
    ]
    assert found == list(range(parts))
    for group in range(groups):
        for part in group_bounds(group, groups, parts):
            assert group_of(part, groups, parts) == group


@given(st.integers(1, 300), st.data())
def test_groups_are_of_one_size(parts, data):
    groups = data.draw(st.integers(1, parts))
    sizes = {len(group_bounds(group, groups, parts)) for group in range(groups)}
    assert max(sizes) - min(sizes) <= 1


def test_the_size_of_a_piece():
    piece = Piece(0, {1: b"a" * 1000, 4: b"de"})
    assert piece.size_bytes == 1002
    assert 1002 < sys.getsizeof(piece) < 1200
