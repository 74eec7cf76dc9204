"""The search for what cannot be pickled ends, and finds the innermost culprit.

What users read is tested with `dump` in test_codec_functions.py.
"""

from __future__ import annotations

import threading

from hypothesis import given
from hypothesis import strategies as st

from mincer.codec.capture import bundle_error, value_error

ERROR = TypeError("cannot pickle")

#: Nested containers, with places for a lock.
LOCK = threading.Lock()
places = st.recursive(
    st.integers() | st.just(LOCK),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=12,
)


def holds_lock(value: object) -> bool:
    if isinstance(value, dict):
        return any(map(holds_lock, value.values()))
    return any(map(holds_lock, value)) if isinstance(value, list) else value is LOCK


@given(places)
def test_the_lock_is_found_wherever_it_is(value):
    told = str(value_error({"top": value}, ERROR))
    assert ("(a _thread.lock)" in told) == holds_lock(value)


def test_things_that_hold_one_another():
    first: dict[str, object] = {"lock": LOCK}
    second = {"first": first}
    first["second"] = second
    assert "`" not in str(value_error(second, ERROR))
    assert "['first'], which holds the item ['lock']" in str(value_error(second, ERROR))


def test_a_very_long_path_is_cut():
    nodes: object = LOCK
    for _ in range(40):
        nodes = {"next": nodes}
    assert str(value_error(nodes, ERROR)).count("which holds") == 12 - 1


def test_an_object_whose_parts_cannot_be_listed():
    class Refuses:
        def __reduce_ex__(self, protocol: int) -> str:
            raise RuntimeError("no")

    told = str(bundle_error([Refuses()], ERROR))
    assert "it is a test_codec_capture." in told
    assert "Refuses\n" in told


def test_an_empty_cell_is_passed_over():
    def make():
        if LOCK is None:
            late = 1
        return lambda: (late, held)

    held = LOCK
    make.__module__ = "__main__"
    told = str(bundle_error(make(), ERROR))
    assert "the captured variable `held` (a _thread.lock)" in told
    assert __file__ in told
