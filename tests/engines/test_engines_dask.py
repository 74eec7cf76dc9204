"""Jobs on Dask, by real workers."""

import killed
import pytest
from engine_cases import EngineCases

import mincer


class TestDask(EngineCases):
    @pytest.fixture
    def runner(self, dask):
        with mincer.Dask(dask) as runner:
            yield runner

    def test_a_worker_that_dies_in_a_reduce(self, runner, tmp_path):
        killed.check(runner, tmp_path)
