"""Jobs on Dask, by real workers."""

import pytest
from engine_cases import EngineCases

import mincer


class TestDask(EngineCases):
    @pytest.fixture
    def runner(self, dask):
        with mincer.Dask(dask) as runner:
            yield runner
