"""The reference runner passes the suite of all runners, and stays in this process."""

import threading

import pytest

import mincer
from mincer.errors import UserCodeError
from mincer.testing import RunnerSuite


class TestInline(RunnerSuite):
    ships = False

    @pytest.fixture
    def runner(self):
        return "inline"
