"""Clusters on several hosts, for the tests in this folder; a look at what is left."""

import netns_jobs
import pytest
from netns_cluster import Cluster
from netns_network import Network, what_is_missing

import mincer
from required import lacking


@pytest.fixture(scope="session")
def expected(tmp_path_factory):
    """What the inline runner makes of the input."""
    folder = tmp_path_factory.mktemp("inline")
    netns_jobs.write_input(folder / "input.txt")
    source = mincer.sources.text(
        folder / "input.txt", split_size=netns_jobs.SPLIT_BYTES
    )
    marks = {"marks": str(folder)}
    with netns_jobs.job.run(source, runner="inline", params=marks) as results:
        return results.to_dict()


@pytest.fixture(scope="session")
def namespaces():
    """What each host is made of can be had on this machine."""
    missing = what_is_missing()
    if missing is not None:
        lacking(*missing)


@pytest.fixture
def network(tmp_path, namespaces):
    network = Network(tmp_path)
    yield network
    network.close()
    assert not network.processes()


@pytest.fixture
def cluster(network, expected):
    cluster = Cluster(network, expected)
    yield cluster
    cluster.leave()
