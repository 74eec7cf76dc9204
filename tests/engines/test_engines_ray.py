"""Jobs on Ray, by real workers."""

import killed
import pytest
from engine_cases import EngineCases

import mincer


class TestRay(EngineCases):
    @pytest.fixture
    def runner(self, ray):
        with mincer.Ray() as runner:
            yield runner

    def test_a_worker_that_dies_in_a_reduce(self, runner, tmp_path):
        killed.check(runner, tmp_path)
