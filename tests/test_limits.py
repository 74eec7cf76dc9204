"""Limits have a reason and a unit; sizes are read as people write them."""

import re
from itertools import pairwise
from pathlib import Path

import pytest

from mincer import limits
from mincer.errors import UsageError
from mincer.limits import parse_size


@pytest.mark.parametrize(
    ("given", "size_bytes"),
    [
        (1, 1),
        ("512MB", 512_000_000),
        ("512 mb", 512_000_000),
        ("2GiB", 2 * 2**30),
        ("1.5K", 1500),
        ("64Mi", 64 * 2**20),
        ("100", 100),
        ("100B", 100),
        ("1T", 10**12),
    ],
)
def test_sizes(given, size_bytes):
    assert parse_size(given, "memory") == size_bytes


@pytest.mark.parametrize(
    "given", ["", "MB", "-1MB", "0", 0, -5, True, None, 1.5, "1 XB", "iB", "1iB"]
)
def test_what_is_no_size_is_told_by_name(given):
    with pytest.raises(UsageError, match="memory must be a size"):
        parse_size(given, "memory")


def test_every_limit_has_its_reason_above_it():
    lines = Path(limits.__file__).read_text("utf-8").splitlines()
    bare = [
        line
        for before, line in pairwise(lines)
        if re.match(r"[A-Z_]+ = ", line) and not before.startswith("#:")
    ]
    assert bare == []


def test_every_limit_is_above_nothing():
    numbers = {name: one for name, one in vars(limits).items() if name.isupper()}
    assert numbers
    assert all(one > 0 for one in numbers.values())
