"""The runner on Ray without Ray; with it: tests/engines."""

import sys

import pytest

import mincer
from mincer.errors import UsageError
from mincer.runners.ray import Ray


def test_a_missing_package_says_the_line_to_type(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UsageError) as caught:
        mincer.Job(lambda key, n: [(n, n)]).run([1], runner=Ray())
    assert caught.value.hint == 'pip install "mincer[ray]"'


def test_memory_is_a_size():
    with pytest.raises(UsageError, match="memory must be a size"):
        Ray(memory="much")


def test_what_was_never_begun_is_closed():
    with Ray("there:1") as runner:
        runner.close()
