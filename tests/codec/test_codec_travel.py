"""The user's functions travel from a driver's `__main__` to a child, and back."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

#: A child: loads the functions, maps the values, gives back pairs as plain pickles.
CHILD = """
import pickle, sys
from mincer.codec import functions
mapfn = functions.load(open("functions", "rb").read())
values = pickle.loads(open("values", "rb").read())
pairs = [pair for value in values for pair in mapfn(None, value)]
open("pairs", "wb").write(functions.dump_value(pairs))
"""

#: The end of every driver: `mapfn` and `values` are made, `told` is what is checked.
TRAVEL = """
import json, pickle, subprocess, sys
from mincer.codec import functions
open("functions", "wb").write(functions.dump(mapfn))
open("values", "wb").write(functions.dump_value(values))
subprocess.run([sys.executable, "child.py"], check=True)
pairs = pickle.loads(open("pairs", "rb").read())
"""


def run(folder: Path, *command: str, text: str | None = None) -> str:
    done = subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def travel(folder: Path, script: str, told: str) -> object:
    """Run a driver whose mapfn runs in a child; return what the driver tells."""
    (folder / "child.py").write_text(CHILD)
    whole = textwrap.dedent(script) + TRAVEL + f"print(json.dumps({told}))\n"
    (folder / "job.py").write_text(whole)
    return json.loads(run(folder, "job.py"))


def test_classes_of_main_come_back_as_the_drivers_own(tmp_path):
    script = """
        import enum, typing
        from collections import namedtuple
        from dataclasses import dataclass

        @dataclass(frozen=True)
        class Point:
            x: int

        class Color(enum.Enum):
            RED = 1

        class Pair(typing.NamedTuple):
            a: int
            b: int

        Old = namedtuple("Old", "a")

        class Outer:
            @dataclass(frozen=True)
            class Inner:
                x: int

        def mapfn(key, value):
            yield Point(value), Color.RED
            yield Pair(value, 2), Old(value)
            yield Outer.Inner(value), Point(1)

        values = [7]
    """
    told = """[
        [type(x) in (Point, Color, Pair, Old, Outer.Inner) for x in sum(pairs, ())],
        pairs[0] == (Point(7), Color.RED), pairs[0][1] is Color.RED,
        pairs[1] == (Pair(7, 2), Old(7)), pairs[2][0] == Outer.Inner(7),
        b"cloudpickle" in open("pairs", "rb").read(),
    ]"""
    assert travel(tmp_path, script, told) == [[True] * 6, True, True, True, True, False]


def test_values_of_classes_that_no_function_reaches(tmp_path):
    script = """
        import threading

        class Base:
            def shown(self):
                return self.x

        class Reached(Base):
            pass

        class Unreached(Base):
            def __init__(self, x):
                self.x = x

        lock = threading.Lock()

        class Unsendable:
            def use(self):
                return lock

        def mapfn(key, value):
            yield value.shown(), isinstance(value, Reached.__bases__)

        values = [Unreached(5)]
    """
    assert travel(tmp_path, script, "pairs") == [[5, True]]


def test_a_class_made_in_a_function_stays_one_class(tmp_path):
    script = """
        def make():
            class Local:
                scale = 1
                def __init__(self, x):
                    self.x = x
            def mapfn(key, value):
                yield Local(value.x * value.scale), type(value) is Local
            return Local, mapfn

        Local, mapfn = make()
        values = [Local(3)]
        __init__ = Local.__init__
    """
    told = """[type(pairs[0][0]) is Local, pairs[0][0].x, pairs[0][1],
               Local.__init__ is __init__]"""
    assert travel(tmp_path, script, told) == [True, 3, True, True]


def test_what_pickles_as_a_bare_name_is_made_again(tmp_path):
    script = """
        import functools, typing

        UserId = typing.NewType("UserId", int)
        P = typing.ParamSpec("P")
        Ts = typing.TypeVarTuple("Ts")

        @functools.lru_cache(maxsize=7)
        def fib(n: UserId) -> UserId:
            return n if n < 2 else fib(n - 1) + fib(n - 2)

        @functools.singledispatch
        def kind(x):
            return "other"

        @kind.register
        def _(x: int):
            return "int"

        class Lazy:
            @functools.cached_property
            def value(self):
                return self.base * 2

        def mapfn(key: UserId, value):
            lazy = Lazy()
            lazy.base = 4
            yield fib(UserId(value)), fib.cache_info().maxsize
            yield kind(value) + kind("x"), lazy.value
            yield P.__name__ + Ts.__name__, lazy.__dict__["value"]

        values = [20]
    """
    expected = [[6765, 7], ["intother", 8], ["PTs", 8]]
    assert travel(tmp_path, script, "pairs") == expected


@pytest.mark.skipif(sys.version_info < (3, 12), reason="type statement: 3.12")
def test_a_type_alias_of_main(tmp_path):
    script = """
        type Number = int
        def mapfn(key: Number, value):
            yield Number.__name__, str(Number.__value__)
        values = [20]
    """
    assert travel(tmp_path, script, "pairs") == [["Number", "<class 'int'>"]]


def test_every_kind_of_function(tmp_path):
    script = """
        import functools, math, operator

        base = 10

        def closure(n):
            return lambda value: value + n + base

        class Instance:
            def __init__(self, n):
                self.n = n
            def __call__(self, value):
                return value * self.n
            def method(self, value):
                return value - self.n

        def power(value, *, n=2):
            return value ** n

        functions_of = {
            "lambda": lambda value: value + base,
            "closure": closure(5),
            "partial": functools.partial(power, n=3),
            "instance": Instance(3),
            "method": Instance(3).method,
            "builtin": math.sqrt,
            "class": Instance,
            "item": operator.neg,
        }

        def mapfn(key, value):
            for name, function in functions_of.items():
                result = function(value)
                yield name, getattr(result, "n", result)

        values = [4]
    """
    assert travel(tmp_path, script, "pairs") == [
        ["lambda", 14],
        ["closure", 19],
        ["partial", 64],
        ["instance", 12],
        ["method", 1],
        ["builtin", 2.0],
        ["class", 4],
        ["item", -4],
    ]


def test_functions_typed_at_a_prompt_bring_their_source(tmp_path):
    (tmp_path / "child.py").write_text(
        "import inspect, sys\n"
        "from mincer.codec import functions, tracebacks\n"
        "mapfn = functions.load(open('functions', 'rb').read())\n"
        "try: mapfn(None, 0)\n"
        "except ZeroDivisionError as error: print(tracebacks.user_frames(error))\n"
    )
    # As a notebook does: code without a file, its lines in linecache.
    (tmp_path / "prompt.py").write_text(
        "import __main__, linecache\n"
        "cell = 'def mapfn(key, value):\\n    return 1 / value  # the cell\\n'\n"
        "lines = cell.splitlines(True)\n"
        "linecache.cache['<cell 1>'] = (len(cell), None, lines, '<cell 1>')\n"
        "exec(compile(cell, '<cell 1>', 'exec'), vars(__main__))\n"
        "from mincer.codec import functions\n"
        "open('functions', 'wb').write(functions.dump(mapfn))\n"
    )
    run(tmp_path, "-", text=(tmp_path / "prompt.py").read_text())
    told = run(tmp_path, "child.py")
    assert 'File "<cell 1>", line 2, in mapfn' in told
    assert "return 1 / value  # the cell" in told


def test_a_module_that_is_in_no_file_goes_by_value(tmp_path):
    script = """
        import sys, types
        made = types.ModuleType("made")
        exec("class Made:\\n    x = 5\\ndef helper(value): return value + Made.x",
             vars(made))
        sys.modules["made"] = made
        helper = made.helper

        def mapfn(key, value):
            yield helper(value), made.Made.x

        values = [1]
    """
    assert travel(tmp_path, script, "pairs") == [[6, 5]]


def test_a_job_that_runs_again_brings_its_classes_as_they_are_now(tmp_path):
    driver = """
        from mincer.codec import functions
        class Means:
            at = 1
        def mapfn(key, value):
            return Means.at
        open("first", "wb").write(functions.dump(mapfn))
        Means.at = 2
        open("second", "wb").write(functions.dump(mapfn))
        open("value", "wb").write(functions.dump_value([Means(), lambda: 1]))
        class Means:
            at = 3
        open("third", "wb").write(functions.dump(mapfn))
    """
    (tmp_path / "job.py").write_text(textwrap.dedent(driver))
    run(tmp_path, "job.py")
    child = """
        import pickle, sys
        from mincer.codec import functions
        load = lambda name: functions.load(open(name, "rb").read())
        told = []
        for name in ("first", "second", "third"):
            mapfn = load(name)
            told.append(mapfn(None, None))
            own = mapfn.__globals__["Means"]
            told.append(own is sys.modules["__main__"].Means)
        own.at = 4
        pickle.loads(open("value", "rb").read())
        told.append(own.at)
        print(told)
    """
    told = run(tmp_path, "-c", textwrap.dedent(child))
    assert told.strip() == "[1, True, 2, True, 3, True, 4]"


def test_nothing_is_put_over_what_main_has(tmp_path):
    driver = """
        from mincer.codec import functions
        class Point: pass
        def mapfn(key, value): return Point
        open("functions", "wb").write(functions.dump(mapfn))
    """
    (tmp_path / "job.py").write_text(textwrap.dedent(driver))
    run(tmp_path, "job.py")
    child = """
        from mincer.codec import functions
        data = open("functions", "rb").read()
        functions.load(data, install=False)
        print("Point" in globals())
        Point = 1
        print(functions.load(data)(0, 0).__name__, Point)
        try: Absent = __import__("__main__").Absent
        except AttributeError as error: print(error)
    """
    (tmp_path / "child.py").write_text(textwrap.dedent(child))
    lines = run(tmp_path, "child.py").splitlines()
    assert lines[:2] == ["False", "Point 1"]
    assert lines[2].endswith("has no attribute 'Absent'")


def test_a_spare_class_is_not_sent_when_it_is_large(tmp_path):
    driver = """
        from mincer.codec import functions
        table = bytes(5_000_000)
        class Huge:
            def use(self): return table
        print(len(functions.dump(len)))
    """
    (tmp_path / "job.py").write_text(textwrap.dedent(driver))
    assert int(run(tmp_path, "job.py")) < 2_000
