"""Descriptors: how many, more, and whether one is left."""

import resource

import pytest

from mincer.net import descriptors


@pytest.fixture
def limits():
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield before
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_the_limit_is_raised_as_far_as_it_may_be(limits):
    _, hard = limits
    resource.setrlimit(resource.RLIMIT_NOFILE, (200, hard))
    assert descriptors.limit() == 200
    descriptors.raise_limit()
    assert descriptors.limit() == min(hard, 65_536)
    descriptors.raise_limit()
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[1] == hard


def test_it_is_known_when_none_is_left(limits):
    _, hard = limits
    assert descriptors.is_one_left()
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    assert not descriptors.is_one_left()
