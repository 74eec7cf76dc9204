"""Jobs on Spark, by real workers."""

import pytest
from engine_cases import EngineCases

import mincer


class TestSpark(EngineCases):
    @pytest.fixture
    def runner(self, spark):
        with mincer.Spark(spark) as runner:
            yield runner
