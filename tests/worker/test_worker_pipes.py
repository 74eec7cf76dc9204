"""Messages over pipes: whole, in order, whatever the cut."""

import contextlib
import os
import threading

import pytest

from mincer.worker.pipes import FrameReader, read_frame, write_frame


@pytest.fixture
def pipe():
    read, write = os.pipe()
    yield read, write
    for fd in (read, write):
        with contextlib.suppress(OSError):
            os.close(fd)


def test_a_message_comes_as_it_went(pipe):
    read, write = pipe
    write_frame(write, {"a": [1, None, "ü"]})
    assert read_frame(read) == {"a": [1, None, "ü"]}


def test_a_message_larger_than_the_pipe(pipe):
    read, write = pipe
    sender = threading.Thread(target=write_frame, args=(write, b"x" * 3_000_000))
    sender.start()
    assert read_frame(read) == b"x" * 3_000_000
    sender.join()


def test_the_end_is_told(pipe):
    read, write = pipe
    os.close(write)
    with pytest.raises(EOFError):
        read_frame(read)
    with pytest.raises(EOFError):
        list(FrameReader(read).read())


def test_the_end_within_a_message_is_told(pipe):
    read, write = pipe
    os.write(write, b"\x09\0\0\0\0\0\0\0half")
    os.close(write)
    with pytest.raises(EOFError):
        read_frame(read)


def test_a_reader_gives_whole_messages_only(pipe):
    read, write = pipe
    whole_read, whole_write = os.pipe()
    for message in ("one", "two"):
        write_frame(whole_write, message)
    os.close(whole_write)
    data = os.read(whole_read, 1000)
    os.close(whole_read)
    reader = FrameReader(read)
    got = []
    for byte in data:
        os.write(write, bytes([byte]))
        got.append(list(reader.read()))
    assert [message for some in got for message in some] == ["one", "two"]
    assert got[-1] == ["two"]
