"""A split in the worker of an engine, with bytes that only the driver had."""

import os

from mincer.runners.engine.inputs import DriverSpool, Inputs, Several
from mincer.runners.engine.opened import opened
from mincer.sources import items


def values(split):
    return [value for batch in split.read() for value in batch.values]


def test_it_is_read_where_the_drivers_file_is_not():
    with DriverSpool() as spool:
        splits = list(items({n: n * n for n in range(2000)}).plan(spool))
        inputs = Inputs([Several(splits[:3]), splits[-1]])
        expected = [values(Several(splits[:3])), values(splits[-1])]
        sent = list(inputs)
    assert not os.path.exists(sent[0].own_bytes[0][0])
    for one, found in zip(sent, expected, strict=True):
        with opened(one) as split:
            assert values(split) == found


def test_a_split_that_is_here_is_given_as_it_is():
    (split,) = items([1]).plan()
    with opened(split) as same:
        assert same is split
