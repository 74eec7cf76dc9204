"""The local runner passes the suite of all runners, and ends as it promises."""

import pytest

import mincer
from mincer.testing import RunnerSuite


@pytest.fixture(scope="module")
def local():
    with mincer.Local(workers=2) as local:
        yield local


class TestLocal(RunnerSuite):
    @pytest.fixture
    def runner(self, local):
        return local
