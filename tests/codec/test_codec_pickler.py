"""The pickler writes down what it reaches; what travels is tested with `dump`."""

from __future__ import annotations

import functools
import io
import json
import pickle
import sys
import threading
import typing
from fractions import Fraction
from pathlib import Path
from types import ModuleType

import pytest

from mincer.codec import pickler
from mincer.codec.pickler import Pickler, Reach, by_reference


def reach_of(*objects: object) -> Reach:
    own = Pickler(io.BytesIO())
    own.dump(objects)
    return own.reach


def of_main(text: str, name: str, **namespace: object) -> typing.Any:
    """Something as if it were defined in `__main__`, or where `namespace` says."""
    namespace.setdefault("__name__", "__main__")
    exec(text, namespace)
    return namespace[name]


def test_modules_that_are_taken_from():
    reach = reach_of([Fraction, json.dumps], {"x": threading}, Path("x"), len)
    assert {"fractions", "json", "threading"} <= reach.modules
    assert reach.codes == []


def test_modules_inside_what_travels_by_value():
    function = of_main("import json\ndef f(): return json.dumps, g\ng = 1", "f")
    reach = reach_of(function)
    assert "json" in reach.modules
    assert [code.co_name for code, _ in reach.codes] == ["f"]


def test_two_pickles_of_one_job(monkeypatch):
    monkeypatch.setattr(
        "__main__.Own", of_main("class Own: pass", "Own"), raising=False
    )
    reach, more = reach_of(json.dumps), reach_of(sys.modules["__main__"].Own, Fraction)
    function = reach_of(of_main("def f(): pass", "f"))
    reach.add(more)
    reach.add(function)
    assert {"json", "fractions"} <= reach.modules
    assert list(reach.classes) == ["Own"]
    assert [code.co_name for code, _ in reach.codes] == ["f"]


@pytest.mark.parametrize(
    ("namespace", "package"),
    [
        ({"__package__": "a.b"}, "a.b"),
        ({"__package__": None, "__name__": "a.b"}, "a"),
        ({"__package__": None, "__name__": "a.b", "__path__": []}, "a.b"),
        ({"__package__": None, "__name__": "__main__"}, ""),
    ],
)
def test_the_package_of_relative_imports(namespace, package):
    function = of_main("def f(): from . import x", "f", **namespace)
    function.__module__ = "__main__"
    assert [one for _, one in reach_of(function).codes] == [package]


def test_code_without_a_module_name_has_no_package():
    namespace: dict[str, typing.Any] = {}
    exec("def f(): pass", namespace)
    assert [package for _, package in reach_of(namespace["f"]).codes] == [None]


def test_classes_of_main_are_named_by_their_top(monkeypatch):
    outer = of_main("class Outer:\n class Inner: pass", "Outer")
    monkeypatch.setattr("__main__.Outer", outer, raising=False)
    assert reach_of(outer.Inner).classes == {"Outer": outer}
    # One that is in `__main__` under no name, or under another, is no class of it.
    assert reach_of(of_main("class Other: pass", "Other")).classes == {}


def test_what_the_loading_process_finds_by_name(monkeypatch):
    assert by_reference(json.dumps)
    assert not by_reference(of_main("def f(): pass", "f"))
    assert not by_reference(of_main("def dumps(): pass", "dumps", __name__="json"))
    assert not by_reference(3)
    made = ModuleType("own_made")
    monkeypatch.setitem(sys.modules, "own_made", made)
    exec("def f(): pass", vars(made))
    assert not by_reference(made.f)
    monkeypatch.setattr("__main__.g", json.dumps, raising=False)
    assert not by_reference(of_main("def g(): pass", "g"))


def test_a_cached_function_of_a_module_goes_by_name(tmp_path, monkeypatch):
    (tmp_path / "own_cached.py").write_text(
        "import functools\n@functools.lru_cache\ndef f(): pass\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    import own_cached

    file = io.BytesIO()
    writer = Pickler(file)
    writer.dump(own_cached.f)
    assert pickle.loads(file.getvalue()) is own_cached.f
    assert writer.reach.modules == {"own_cached"}
    del sys.modules["own_cached"]


def test_the_script_of_multiprocessing_goes_by_value(monkeypatch):
    monkeypatch.setitem(sys.modules, "__mp_main__", sys.modules["__main__"])
    function = of_main("def f(): return 5", "f", __name__="__mp_main__")
    assert len(reach_of(function).codes) == 1
    assert not by_reference(function)


def test_a_submodule_that_its_extension_made_belongs_to_the_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "msgspec.made_in_c", ModuleType("made_in_c"))
    sys.modules["msgspec.made_in_c"].__name__ = "msgspec.made_in_c"
    assert "msgspec.made_in_c" in reach_of(sys.modules["msgspec.made_in_c"]).modules


def test_a_module_that_goes_by_value_is_a_copy(monkeypatch):
    made = ModuleType("own_value")
    made.x = [1]
    monkeypatch.setitem(sys.modules, "own_value", made)
    file = io.BytesIO()
    Pickler(file).dump(made)
    loaded = pickle.loads(file.getvalue())
    assert loaded is not made
    assert loaded.x == [1]


def test_types_of_pythons_own_are_themselves():
    file = io.BytesIO()
    Pickler(file).dump([type(None), type(...), type(functools.partial), ModuleType])
    types = [type(None), type(...), type(functools.partial), ModuleType]
    assert pickle.loads(file.getvalue()) == types


def copied(obj: typing.Any) -> typing.Any:
    file = io.BytesIO()
    Pickler(file).dump(obj)
    return pickle.loads(file.getvalue())


def test_what_pickles_as_a_bare_name_is_made_again():
    text = """
import functools, typing, weakref
@functools.lru_cache(maxsize=5, typed=True)
def fib(n): return n if n < 2 else fib(n - 1) + fib(n - 2)
class Lazy:
    @functools.cached_property
    def value(self): return 7
UserId = typing.NewType("UserId", int)
P = typing.ParamSpec("P")
Ts = typing.TypeVarTuple("Ts")
weak = weakref.WeakKeyDictionary({Lazy: 1})
everything = [fib, Lazy.value, UserId, P, Ts, weak]
"""
    fib, value, user_id, p, ts, weak = copied(of_main(text, "everything"))
    assert fib(30) == 832040
    assert fib.cache_parameters() == {"maxsize": 5, "typed": True}
    assert value.attrname == "value"
    assert (user_id.__name__, user_id.__supertype__) == ("UserId", int)
    assert (p.__name__, ts.__name__) == ("P", "Ts")
    assert list(weak.values()) == [1]


def sent_from_elsewhere(kind: type, *, renew: bool) -> bytes:
    """The bytes of `kind` as if it had been made in another process."""
    file = io.BytesIO()
    Pickler(file, renew=renew).dump(kind)
    pickler._own.discard(kind)
    return file.getvalue()


def test_a_class_that_comes_back_is_left_as_it_is():
    kind = of_main("class A:\n at = 1\n def f(self): pass", "A")
    f = kind.f
    data = io.BytesIO()
    Pickler(data, renew=True).dump(kind)
    kind.at = 2
    assert pickle.loads(data.getvalue()) is kind
    assert (kind.at, kind.f) == (2, f)


def test_a_class_that_came_is_renewed_by_functions_but_not_by_values():
    kind = of_main("class A:\n class B:\n  at = 1", "A").B
    renewing = sent_from_elsewhere(kind, renew=True)
    keeping = sent_from_elsewhere(kind, renew=False)
    kind.at = 2
    assert pickle.loads(keeping).at == 1  # seen for the first time
    assert kind.__qualname__ == "A.B"
    kind.at = 3
    assert pickle.loads(keeping).at == 3
    assert pickle.loads(renewing).at == 1
    # Sent on from here, it is still not of this process.
    Pickler(io.BytesIO()).dump(kind)
    kind.at = 4
    assert pickle.loads(renewing).at == 1
