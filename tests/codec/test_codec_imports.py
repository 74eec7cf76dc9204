"""Import statements are found wherever they are, and mean what Python means."""

from __future__ import annotations

import importlib.util

import pytest

from mincer.codec.imports import Import, absolute, imports_of


def found(source: str) -> list[Import]:
    return imports_of(compile(source, "<test>", "exec"))


def test_every_form():
    source = """
import a, b.c
import d as e
from f import g, h as i
from . import j
from ..k.l import m
from n import *
"""
    assert found(source) == [
        Import(0, "a", ()),
        Import(0, "b.c", ()),
        Import(0, "d", ()),
        Import(0, "f", ("g", "h")),
        Import(1, "", ("j",)),
        Import(2, "k.l", ("m",)),
        Import(0, "n", ("*",)),
    ]


def test_inside_functions_classes_and_lambdas():
    source = """
def outer():
    class Inner:
        def method(self):
            import deep
            return [__import__("not_seen") for x in y]
    try:
        from . import other
    except ImportError:
        other = None
"""
    assert {one.name or one.names[0] for one in found(source)} == {"deep", "other"}


def test_more_constants_than_one_byte_can_count():
    lines = [f"x{i} = {i + 1000}.5" for i in range(700)]
    source = "\n".join([*lines, "from ..far import away"])
    assert found(source) == [Import(2, "far", ("away",))]


@pytest.mark.parametrize(
    ("statement", "package", "names"),
    [
        ("import a.b", None, ["a.b"]),
        ("from a import b, c", "p", ["a", "a.b", "a.c"]),
        ("from a import *", "p", ["a"]),
        ("from . import b", "p.q", ["p.q", "p.q.b"]),
        ("from .m import b", "p.q", ["p.q.m", "p.q.m.b"]),
        ("from ..m import b", "p.q", ["p.m", "p.m.b"]),
        ("from ...m import b", "p.q", []),
        ("from . import b", "", []),
        ("from . import b", None, []),
    ],
)
def test_what_a_statement_means(statement, package, names):
    (one,) = found(statement)
    assert absolute(one, package) == names
    level, name = "." * one.level, one.name
    if names and name:  # as the import system itself resolves it
        assert importlib.util.resolve_name(level + name, package) == names[0]
