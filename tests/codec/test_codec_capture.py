"""The search for what cannot be pickled ends, and finds the innermost culprit.

What users read is tested with `dump`, as they get it.
"""

from __future__ import annotations

import textwrap
import threading
from dataclasses import dataclass
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mincer.codec import functions
from mincer.codec.capture import bundle_error, value_error
from mincer.errors import ShipError

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
        if held is None:
            late = 1
        return lambda: (late, held)

    held = LOCK
    told = str(bundle_error(make(), ERROR))
    assert "the captured variable `held` (a _thread.lock)" in told
    assert __file__ in told


@pytest.mark.parametrize(
    ("binding", "line"),
    [
        ("held = LOCK", 2),
        ("if True:\n    held: object = LOCK", 3),
        ("with open('x') as held: pass", 2),
        ("from somewhere import other as held", 2),
        ("import held.inner", 2),
        ("class held: pass", 2),
        ("def held():\n    return 1", 2),
        ("def g():\n    held = 1\nheld = LOCK", 4),
        ("print(held)", 1),
        ("not Python at all", 1),
    ],
)
def test_the_line_that_gives_a_global_its_value(tmp_path, binding, line):
    """Where there is none, the line of the function that uses it."""
    path = tmp_path / "job.py"
    path.write_text(f"def f(): return held\n{binding}\n")
    namespace: dict[str, object] = {"__name__": "__main__", "held": LOCK}
    exec(compile("def f(): return held", str(path), "exec"), namespace)
    assert f"from {path} line {line}\n" in str(bundle_error(namespace["f"], ERROR))


class Reduced:
    """Pickles as its test says."""

    def __init__(self, *reduced: object) -> None:
        self.reduced = reduced

    def __reduce__(self) -> object:
        return self.reduced[0] if len(self.reduced) == 1 else self.reduced


@pytest.mark.parametrize(
    ("reduced", "words"),
    [
        ((list, (LOCK,)), "it holds what it is made of (a _thread.lock)"),
        ((list, (), [LOCK]), "it holds its state, which holds the item [0]"),
        ((list, (), (None, {"a": LOCK})), "it holds the attribute `a`"),
        ((list, (), {"a": LOCK}), "it holds the attribute `a`"),
        ((list, (), None, iter([1, LOCK])), "it holds the item [1]"),
        ((dict, (), None, None, iter([("k", LOCK)])), "it holds the item ['k']"),
        (("no_such_name",), "it is a test_codec_capture.Reduced"),
    ],
)
def test_what_an_object_pickles_as_is_looked_at(reduced, words):
    assert words in str(value_error(Reduced(*reduced), ERROR))


def test_the_key_of_a_dict_and_an_attribute_of_a_function():
    class Key:
        held = LOCK

    told = str(value_error({Key: 1}, ERROR))
    assert "it holds the key <class" in told
    assert "which holds the attribute `held`" in told

    def function():
        """Holds a lock."""

    function.held = LOCK
    assert "the attribute `held`" in str(bundle_error([function], ERROR))


def test_a_way_that_only_leads_back_is_no_way():
    namespace: dict[str, object] = {"__name__": "__main__", "held": LOCK}
    text = "def f(): return other, held\ndef other(): return f"
    exec(text, namespace)
    told = str(bundle_error(namespace["f"], ERROR))
    assert "it uses the global `held` (a _thread.lock)" in told


# What users read


@dataclass
class Bundle:
    mapfn: object
    params: object = None


Bundle.__module__ = "mincer.of_this_test"  # as the runner's own bundle is


def refused(obj: object) -> str:
    with pytest.raises(ShipError) as caught:
        functions.dump(obj)
    return str(caught.value)


def by_value(text: str, name: str = "mapfn", **namespace: object) -> object:
    """A function as if it were defined in `__main__`."""
    namespace["__name__"] = "__main__"
    exec(textwrap.dedent(text), namespace)
    return namespace[name]


def test_a_global_is_named_with_its_line(tmp_path):
    text = "import threading\nx = 1\nlock = threading.Lock()\n"
    text += "def mapfn(key, value):\n    return lock\n"
    path = tmp_path / "wc.py"
    path.write_text(text)
    namespace: dict[str, object] = {"__name__": "__main__"}
    exec(compile(text, str(path), "exec"), namespace)
    told = refused(Bundle(namespace["mapfn"]))
    assert told.startswith(
        "mapfn cannot be sent to a worker: it uses the global `lock` "
        f"(a _thread.lock), from {path} line 3\n  TypeError: "
    )
    assert "use a class as mapfn" in told


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (by_value("def mapfn(k, v, a=1, b=x): pass", x=LOCK), "the default of `b`"),
        (by_value("def mapfn(k, *, b=x): pass", x=LOCK), "the default of `b`"),
        (
            by_value("def f(x):\n    return lambda k, v: x\nmapfn = f(y)", y=LOCK),
            "the captured variable `x`",
        ),
        (partial(print, LOCK), "its argument 1"),
        (partial(print, file=LOCK), "its argument `file`"),
        (
            by_value("class A: pass\nmapfn = A()\nmapfn.held = [0, x]", x=LOCK),
            "the attribute `held`, which uses the item [1]",
        ),
        (
            by_value("class mapfn:\n    def f(self): return x", x=LOCK),
            "the attribute `f`, which uses the global `x`",
        ),
        (
            by_value(
                "def mapfn(): return other()\ndef other(): return mapfn, deep\n"
                "def deep(): return {'a': x}, mapfn",
                x=LOCK,
            ),
            "the global `other`, which uses the global `deep`, "
            "which uses the global `x`",
        ),
        (
            by_value(
                "import functools\n@functools.lru_cache\ndef mapfn(): return x",
                x=LOCK,
            ),
            "its function, which uses the global `x`",
        ),
        (
            by_value("class mapfn:\n    @property\n    def a(self): return x", x=LOCK),
            "the attribute `a`, which uses its function, which uses the global `x`",
        ),
        (
            by_value(
                "class A:\n    @classmethod\n    def a(cls): return x\nmapfn = A.a",
                x=LOCK,
            ),
            "its object, which uses the attribute `a`, which uses its function, "
            "which uses the global `x`",
        ),
        (
            by_value("import collections\nmapfn = collections.deque([0, x])", x=LOCK),
            "the item [1]",
        ),
        (
            by_value(
                "class mapfn:\n    __slots__ = ('a',)\n    def __call__(self): pass\n"
                "    def __reduce__(self): return mapfn, (), {'b': x}\nmapfn = mapfn()",
                x=LOCK,
            ),
            "the attribute `b`",
        ),
    ],
)
def test_the_innermost_name_is_found(value, words):
    told = refused(Bundle(value))
    assert told.startswith(f"mapfn cannot be sent to a worker: it uses {words}")
    assert "(a _thread.lock)" in told


def test_the_root_is_what_the_user_calls_it():
    bad = by_value("def mapfn(k, v): return x", x=LOCK)
    assert refused(Bundle({"users": bad})).startswith("mapfn['users'] cannot")
    assert refused(Bundle(len, {"x": LOCK})).startswith(
        "params['x'] cannot be sent to a worker: it is a _thread.lock"
    )
    assert "give plain data" in refused(Bundle(len, {"x": LOCK}))
    assert refused(bad).startswith("the job cannot be sent to a worker: it uses")


def test_code_that_refuses_by_itself_is_quoted():
    text = """
        class A:
            def __reduce__(self): raise ValueError("no, never")
        mapfn = A()
    """
    told = refused(Bundle(by_value(text)))
    assert "it is an A\n  ValueError: no, never" in told
