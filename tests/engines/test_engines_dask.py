"""The runner suite on a Dask cluster of real processes."""

import pytest

from mincer.testing import RunnerSuite

distributed = pytest.importorskip("distributed")


@pytest.fixture(scope="module")
def client():
    with (
        distributed.LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            processes=True,
            dashboard_address="127.0.0.1:0",
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


class TestDask(RunnerSuite):
    @pytest.fixture
    def runner(self, client):
        from mincer.runners.dask import Dask

        with Dask(client) as runner:
            yield runner
