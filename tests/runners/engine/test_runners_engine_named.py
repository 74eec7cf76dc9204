"""The runner that the name of an engine stands for."""

import pytest

from mincer.runners.dask import Dask
from mincer.runners.engine import named
from mincer.runners.ray import Ray
from mincer.runners.spark import Spark


@pytest.mark.parametrize(
    ("name", "kind"), [("spark", Spark), ("dask", Dask), ("ray", Ray)]
)
def test_a_name_stands_for_one_runner(name, kind, monkeypatch):
    monkeypatch.setattr(named, "_begun", {})
    runner = named.engine(name)
    assert type(runner) is kind
    assert named.engine(name) is runner
    assert named.engine(name, "there:1") is not runner
    assert named.sizes_hint(name) == kind.sizes_hint
