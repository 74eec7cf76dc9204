"""Lines: what is joined comes apart again, or is not joined."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mincer.codec.lines import as_lines

SHORT = st.text("ab\n\ré", max_size=8)
LONG = st.builds(lambda text: text * 20, SHORT)


@given(st.lists(SHORT) | st.lists(LONG) | st.lists(LONG | SHORT))
@example([])
@example([""])
@example(["\n"])
@example(["x" * 100 + "\n"])
@example(["x" * 100, ""])
def test_lines_come_apart_as_they_were(items):
    for column, end in [(items, "\n"), ([item.encode() for item in items], b"\n")]:
        lines = as_lines(column, end)
        if any(end in item for item in column):
            assert lines is None
        else:
            assert lines == end[:0].join([item + end for item in column])


def test_what_is_no_text_is_refused():
    with pytest.raises(TypeError):
        as_lines(["a", 1], "\n")
    with pytest.raises(TypeError):
        as_lines(["a"], b"\n")
