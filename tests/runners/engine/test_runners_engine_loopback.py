"""The runner suite on an engine that is this process: what all engines share."""

import pytest
from engine_loopback import Loopback

from mincer.testing import RunnerSuite


class TestLoopback(RunnerSuite):
    @pytest.fixture
    def runner(self):
        return Loopback()


class TestWithLittleMemory(RunnerSuite):
    @pytest.fixture
    def runner(self):
        return Loopback(memory_bytes=64_000_000, slots=1)
