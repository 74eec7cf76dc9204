"""The runner suite on a Ray cluster of this machine."""

import pytest

from mincer.testing import RunnerSuite

ray = pytest.importorskip("ray")


@pytest.fixture(scope="module")
def cluster():
    ray.init(
        num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR"
    )
    yield
    ray.shutdown()


class TestRay(RunnerSuite):
    @pytest.fixture
    def runner(self, cluster):
        from mincer.runners.ray import Ray

        with Ray() as runner:
            yield runner
