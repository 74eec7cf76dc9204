"""What every runner must do: a class of pytest test methods, one a promise."""

from __future__ import annotations

import pytest

# Before they are imported, or their asserts would not say what they compared.
pytest.register_assert_rewrite(
    "mincer.testing.runner_failures",
    "mincer.testing.runner_functions",
    "mincer.testing.runner_keys",
    "mincer.testing.runner_order",
    "mincer.testing.runner_shapes",
)

from mincer.testing.runner_failures import FailureCases  # noqa: E402
from mincer.testing.runner_functions import FunctionCases  # noqa: E402
from mincer.testing.runner_keys import KeyCases  # noqa: E402
from mincer.testing.runner_order import OrderCases  # noqa: E402
from mincer.testing.runner_shapes import ShapeCases  # noqa: E402

__all__ = ["RunnerSuite"]


class RunnerSuite(ShapeCases, KeyCases, FunctionCases, OrderCases, FailureCases):
    """Every promise that a runner makes. Derive a class and give it the runner:

        class TestMine(mincer.testing.RunnerSuite):
            @pytest.fixture
            def runner(self):
                with MyRunner() as runner:
                    yield runner

    The fixture may have a wider scope: a runner must run one job after another. Set
    `ships = False` for a runner that never leaves the process.
    """
