"""Functions and values as bytes and back, in this process.

Real drivers and children: test_codec_travel.py. Refusals: test_codec_capture.py.
"""

from __future__ import annotations

import inspect
import linecache
import pickle
import sys
import textwrap
import threading
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mincer.codec import functions
from mincer.errors import ShipError

lock = threading.Lock()


@pytest.fixture
def enter_main(monkeypatch):
    """Give this process another `__main__`, as the driver's or the child's."""

    def enter(text: str = "") -> ModuleType:
        main = ModuleType("__main__")
        monkeypatch.setitem(sys.modules, "__main__", main)
        monkeypatch.setattr(functions, "_spare", {})
        monkeypatch.setattr(functions, "_installed", {})
        exec(textwrap.dedent(text), vars(main))
        return main

    return enter


def test_reached_classes_are_there_at_once_and_spare_ones_when_asked_for(enter_main):
    driver = enter_main("""
        import threading
        lock = threading.Lock()
        class Reached: pass
        class Spare: pass
        class Unsendable:
            def f(self): return lock
        Alias = Spare
        def mapfn(): return Reached
    """)
    vars(driver)["table"] = bytes(2_000_000)
    exec("class Large:\n    def f(self): return table", vars(driver))
    data = functions.dump(driver.mapfn)
    child = enter_main()
    assert functions.load(data, install=False)() is driver.Reached
    assert "Reached" not in vars(child)
    assert functions.load(data)() is driver.Reached
    assert child.Reached is driver.Reached
    assert "Spare" not in vars(child)
    assert pickle.loads(pickle.dumps(child.Spare())).__class__ is driver.Spare
    assert "Spare" in vars(child)
    for name in ("Unsendable", "Large", "Alias", "no_such"):
        with pytest.raises(AttributeError, match=name):
            getattr(child, name)


def test_a_name_of_the_child_itself_is_kept_and_one_of_an_earlier_job_is_not(
    enter_main,
):
    define = "class A: pass\nclass B: pass\ndef mapfn(): return A"
    first = functions.dump(enter_main(define).mapfn)
    driver = enter_main(define)
    second = functions.dump(driver.mapfn)
    child = enter_main("A = 1")
    functions.load(first)
    assert child.A == 1
    del child.A
    functions.load(first)
    old = child.A, child.B
    functions.load(second)
    assert (child.A, child.B) == (driver.A, driver.B)
    assert old != (child.A, child.B)


def test_a_main_that_answers_for_missing_names_keeps_doing_so(enter_main):
    driver = enter_main("class Spare: pass\ndef mapfn(): pass")
    data = functions.dump(driver.mapfn)
    child = enter_main("def __getattr__(name): return name")
    functions.load(data)
    assert child.anything == "anything"


def test_source_is_known_where_the_code_runs(enter_main, monkeypatch):
    monkeypatch.setattr("linecache.cache", {})
    name, text = "<cell 7>", "def mapfn():\n    return 1\n"
    driver = enter_main()
    exec(compile(text, name, "exec"), vars(driver))
    unknown = functions.dump(driver.mapfn)
    linecache.cache[name] = (len(text), None, text.splitlines(True), name)
    known = functions.dump(driver.mapfn)
    enter_main()
    linecache.cache.clear()
    functions.load(unknown)
    assert name not in linecache.cache
    assert inspect.getsource(functions.load(known)) == text
    # A file of this name that is here already stays.
    linecache.cache[name] = (1, 1.0, ["other"], name)
    functions.load(known)
    assert linecache.getlines(name) == ["other"]


def test_submodules_that_others_imported(enter_main):
    driver = enter_main("""
        import xml.dom.minidom
        def mapfn():
            import xml
            return xml.dom.minidom.Document
    """)
    data, reach = functions.dump_reaching(driver.mapfn)
    assert {"xml.dom", "xml.dom.minidom"} <= reach.modules
    enter_main()
    assert functions.load(data)().__name__ == "Document"


def test_a_submodule_that_is_not_here_may_not_be_needed(enter_main, monkeypatch):
    monkeypatch.setitem(sys.modules, "xml.absent", ModuleType("xml.absent"))
    driver = enter_main("""
        def mapfn():
            import xml
            return getattr(xml, "x", 5) if xml else xml.absent
    """)
    data = functions.dump(driver.mapfn)
    monkeypatch.delitem(sys.modules, "xml.absent")
    enter_main()
    assert functions.load(data)() == 5


def test_a_value_that_plain_pickle_refuses():
    function, seven = pickle.loads(functions.dump_value([lambda: 5, 7]))
    assert (function(), seven) == (5, 7)


def test_a_class_in_a_class_of_main_that_cannot_be_sent(enter_main):
    driver = enter_main("""
        import threading
        lock = threading.Lock()
        class Outer:
            class Inner: pass
            def f(self): return lock
        def mapfn(): return Inner
        Inner = Outer.Inner
    """)
    with pytest.raises(ShipError, match="the global `lock`"):
        functions.dump(driver.mapfn)


def test_a_value_that_cannot_travel_is_shown():
    with pytest.raises(ShipError) as caught:
        functions.dump_value(["fine", {"conn": lock}])
    told = str(caught.value)
    assert told.startswith("{'conn': <unlocked _thread.lock")
    assert "it holds the item ['conn'] (a _thread.lock)" in told
    with pytest.raises(ShipError, match="yield a list of its items"):
        functions.dump_value([(x for x in "abc")])


def test_a_structure_that_is_too_deep_is_an_error_that_ends():
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(ShipError, match="recursion"):
        functions.dump_value(deep)
    while deep:  # taken apart by hand: the collector of 3.11 may not like it whole
        deep = deep.pop()  # type: ignore[assignment]


def test_functions_of_another_python_are_refused():
    data = functions.dump(len)
    with pytest.raises(ShipError, match=r"Python 2\.7 cannot be loaded by Python 3"):
        functions.load(bytes([2, 7]) + data[2:])


def test_a_library_that_is_missing_is_named(tmp_path, monkeypatch):
    (tmp_path / "rare_library.py").write_text("def f(): pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    import rare_library

    data = functions.dump(rare_library.f)
    monkeypatch.undo()
    del sys.modules["rare_library"]
    with pytest.raises(ShipError, match="Install what provides 'rare_library'"):
        functions.load(data)


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner) | st.tuples(inner) | st.dictionaries(st.text(), inner)
    ),
)


@given(plain)
def test_what_is_dumped_is_loaded(value):
    assert pickle.loads(functions.dump_value(value)) == value
    closure = functions.load(functions.dump(lambda: value))
    assert closure() == value
