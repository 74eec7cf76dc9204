"""What the driver put aside is read again, or said to be gone."""

import os

import pytest
from source_reading import Folder

from mincer.errors import InputError
from mincer.sources.spooled import keep


def test_back_again(tmp_path):
    spool = Folder(tmp_path)
    one, two = keep(b"one", spool), keep(b"two!", spool)
    assert (one.load(), two.load()) == (b"one", b"two!")
    assert (two.offset, two.length) == (3, 4)


def test_without_a_spool():
    assert keep(b"one", None) == b"one"


def test_gone(tmp_path):
    spool = Folder(tmp_path)
    kept = keep(b"one", spool)
    os.truncate(spool.path, 2)
    with pytest.raises(InputError, match="2 of 3 bytes are left"):
        kept.load()
    os.remove(spool.path)
    with pytest.raises(InputError, match="No such file") as caught:
        kept.load()
    assert caught.value.where.source == spool.path
