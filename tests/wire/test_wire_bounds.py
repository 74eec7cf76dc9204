"""Bounds: values at them pass, and those beyond do not."""

import msgspec
import pytest

from mincer.wire import bounds


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        (bounds.Count, 2**62, 2**62 + 1),
        (bounds.Small, 2**31, -1),
        (bounds.Signed, -(2**63), 1.5),
        (bounds.Word, "x" * 200, ""),
        (bounds.Line, "x" * 4096, "x" * 4097),
        (bounds.Seconds, 1e12, -0.1),
        (bounds.Job, "0123456789abcdef" * 2, "0" * 31 + "G"),
        (bounds.Key, b"k" * 40, b"k" * 41),
        (bounds.Digest, b"d" * 16, b"d" * 15),
        (bounds.Token, b"t" * 16, b"t" * 17),
        (bounds.Path, b"\xff/", b""),
        (bounds.Kind, "reduce", "Reduce"),
    ],
    ids=lambda one: None,
)
def test_a_value_has_its_bound(kind, good, bad):
    decoder = bounds.Decoder(kind)
    assert decoder.decode(bounds.encode(good)) == good
    assert decoder.decode(msgspec.msgpack.encode(bad)) is None
    assert decoder.dropped == 1


def test_a_text_that_is_no_utf_8_is_dropped():
    assert bounds.Decoder(bounds.Word).decode(b"\xa1\xff") is None
