"""A cluster for the tests of a file; after each a job must be as exact as before."""

import pytest
from adversary_scene import Cluster


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    made = Cluster(tmp_path_factory.mktemp("cluster"))
    yield made
    made.end()


@pytest.fixture(autouse=True)
def unharmed(cluster):
    """Whatever was done to the cluster, its coordinator and workers go on."""
    yield
    cluster.check()
    assert cluster.coordinator.process.poll() is None
