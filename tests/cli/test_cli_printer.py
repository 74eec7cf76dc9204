"""Pairs on stdout, and nothing else there."""

import errno
import io
import subprocess
import sys

import pytest

from mincer.cli import printer
from mincer.errors import OutputError, UsageError

BLOCKS = [(["a", "b"], [1, 2]), (["c"], [None])]


def test_pairs_come_in_their_order(capfdbinary):
    printer.print_columns(BLOCKS, "tsv")
    assert capfdbinary.readouterr().out == b"a\t1\nb\t2\nc\tnull\n"


def test_a_reader_that_has_seen_enough():
    code = (
        "from mincer.cli.printer import print_columns\n"
        "print_columns(((['x'] * 1000, [1] * 1000) for _ in range(1000)), 'tsv')\n"
        "print('more')\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as child:
        assert child.stdout.readline() == b"x\t1\n"
        child.stdout.close()
        assert child.stderr.read() == b""
        assert child.wait() == 0


class Full(io.BytesIO):
    def write(self, data):
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_is_a_failure(monkeypatch, tmp_path):
    with open(tmp_path / "out", "w") as out:

        class Stdout:
            buffer = Full()
            flush = staticmethod(out.flush)
            fileno = staticmethod(out.fileno)

        monkeypatch.setattr(sys, "stdout", Stdout)
        with pytest.raises(OutputError, match="No space left on device"):
            printer.print_columns(BLOCKS, "tsv")


def test_a_text_is_written_as_far_as_the_encoding_goes(monkeypatch):
    out = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", out)
    printer.print_text("a…\n")
    assert out.buffer.getvalue() == b"a\\u2026\n"


def test_a_reader_of_a_text_may_have_seen_enough():
    code = "from mincer.cli.printer import print_text\nprint_text('x' * 10_000_000)\n"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as child:
        assert child.stdout.read(1) == b"x"
        child.stdout.close()
        assert child.stderr.read() == b""
        assert child.wait() == 0


def test_a_closed_stdout_is_refused(monkeypatch):
    printer.check_stdout()
    monkeypatch.setattr(sys, "stdout", None)
    with pytest.raises(UsageError, match="stdout is closed"):
        printer.check_stdout()


def test_what_user_code_prints_goes_to_stderr(capfd):
    with printer.stdout_for_pairs_only():
        print("from mapfn")
    print("a pair")
    captured = capfd.readouterr()
    assert (captured.out, captured.err) == ("a pair\n", "from mapfn\n")


def test_a_terminal_is_left_alone(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    with printer.stdout_for_pairs_only():
        print("(Pdb)")
    assert terminal.getvalue() == "(Pdb)\n"
