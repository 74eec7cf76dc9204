"""Jobs on Ray, by real workers."""

import pytest
from engine_cases import EngineCases

import mincer


class TestRay(EngineCases):
    @pytest.fixture
    def runner(self, ray):
        with mincer.Ray() as runner:
            yield runner
