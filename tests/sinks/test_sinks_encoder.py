"""Counting and checksumming while a part is written."""

from zlib import crc32

import pytest

from mincer.codec.formats import FORMATS
from mincer.sinks.encoder import PartEncoder


@pytest.mark.parametrize("format", FORMATS)
def test_counts_and_digest_are_those_of_all_the_bytes(format):
    encoder = PartEncoder(format)
    data = encoder.start()
    data += encoder.encode(["a", "b"], [1, 2])
    data += encoder.encode([], [])
    data += encoder.encode(["c"], [3])
    made = encoder.made()
    assert made.pairs == 3
    assert made.size_bytes == len(data)
    assert made.digest == f"{crc32(data):08x}"


def test_a_write_that_failed_does_not_count():
    encoder = PartEncoder("tsv")
    encoder.encode(["a"], [1])
    before = encoder.made()
    with pytest.raises(Exception, match="tsv cannot hold"):
        encoder.encode(["b"], [b""])
    assert encoder.made() == before
