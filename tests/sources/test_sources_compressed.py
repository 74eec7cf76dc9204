"""Decompressing by the ending; damage names the file."""

import bz2
import gzip
import lzma
import os
import sys

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from mincer.errors import InputError
from mincer.sources.compressed import InputStream, ending_of


def zstd_without_size(data):
    made = zstandard.ZstdCompressor(write_content_size=False).compressobj()
    return made.compress(data) + made.flush()


COMPRESS = [
    (".gz", gzip.compress),
    (".bz2", bz2.compress),
    (".xz", lzma.compress),
    (".zst", zstandard.compress),
    (".zst", zstd_without_size),
]
each_way = pytest.mark.parametrize(("ending", "compress"), COMPRESS)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("compressed")


def read(path, size=-1):
    with InputStream(str(path)) as stream:
        return stream.read(size)


def test_endings():
    assert ending_of("a/b.GZ") == ".gz"
    assert ending_of("a.gz/b") == ""
    assert ending_of(".gz") == ""


@each_way
@given(parts=st.lists(st.binary(max_size=50).map(lambda data: data * 50), max_size=3))
def test_all_members_as_one(folder, ending, compress, parts):
    path = folder / f"a{ending}"
    path.write_bytes(b"".join(map(compress, parts)))
    assert read(path) == b"".join(parts)


@each_way
def test_reading_bit_by_bit(folder, ending, compress):
    path = folder / f"b{ending}"
    path.write_bytes(compress(b"one\ntwo\n" * 100_000))
    with InputStream(str(path)) as stream:
        assert stream.peek(2) == b"on"
        assert stream.read(5) == b"one\nt"
        assert stream.readline() == b"wo\n"
        assert stream.readline(2) == b"on"
        assert len(stream.read(700_000)) == 700_000
        assert len(stream.read(200_000)) == 800_000 - 700_010
        assert stream.position_bytes == path.stat().st_size


@each_way
def test_cut_short(folder, ending, compress):
    path = folder / f"c{ending}"
    data = compress(bytes(range(256)) * 9)
    for length in range(1, len(data)):
        path.write_bytes(data[:length])
        with pytest.raises(InputError, match=f"c{ending} is damaged or cut short"):
            read(path)


@each_way
def test_what_is_not_compressed(folder, ending, compress):
    path = folder / f"d{ending}"
    path.write_bytes(b"just text, whatever its name says\n" * 9)
    with pytest.raises(InputError, match="damaged") as caught:
        read(path)
    assert caught.value.where.source == str(path)


def test_a_long_run_of_zeros_comes_in_small_pieces(folder):
    path = folder / "zeros.zst"
    path.write_bytes(zstandard.compress(bytes(64_000_000)))
    with InputStream(str(path)) as stream:
        read_bytes, last = 0, 0
        while data := stream.read(1 << 20):
            assert not any(data[::4096])
            read_bytes += len(data)
            assert stream.position_bytes - last <= 1024 + 512
            last = stream.position_bytes
    assert read_bytes == 64_000_000


def test_a_skippable_frame(folder):
    path = folder / "e.zst"
    skippable = b"\x50\x2a\x4d\x18" + (5).to_bytes(4, "little") + b"hello"
    path.write_bytes(skippable + zstandard.compress(b"data") + skippable)
    assert read(path) == b"data"


def test_a_file_that_is_gone(folder):
    with pytest.raises(InputError, match=r"cannot read .*gone: No such file"):
        InputStream(str(folder / "gone"))


def test_reading_fails(folder):
    with pytest.raises(InputError, match="cannot read"):
        read(folder)


@pytest.mark.skipif(not os.path.exists("/proc/self/mem"), reason="needs Linux's /proc")
def test_reading_fails_halfway():
    with pytest.raises(InputError, match="cannot read /proc/self/mem: Input/output"):
        read("/proc/self/mem", 1)


def test_a_python_without_the_module(folder, monkeypatch):
    path = folder / "f.xz"
    path.write_bytes(lzma.compress(b"data"))
    monkeypatch.setitem(sys.modules, "lzma", None)
    with pytest.raises(InputError, match=r"f\.xz cannot be decompressed"):
        InputStream(str(path))
