"""The runner on Spark without Spark; with it: tests/engines."""

import sys

import pytest

import mincer
from mincer.errors import UsageError
from mincer.runners.spark import Spark


def test_a_missing_package_says_the_line_to_type(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyspark", None)
    with pytest.raises(UsageError) as caught:
        mincer.Job(lambda key, n: [(n, n)]).run([1], runner=Spark())
    assert caught.value.hint == 'pip install "mincer[spark]"'


def test_what_was_never_begun_is_closed():
    with Spark("spark://there:1") as runner:
        runner.close()
