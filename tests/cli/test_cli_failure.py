"""The screen that tells of a failure: what, where, what to type next."""

import errno
import io

import pytest

from mincer.cli import failure
from mincer.errors import Bug, InputError, MincerError, UsageError, UserCodeError, Where


class Terminal(io.StringIO):
    def isatty(self):
        return True


FULL = UserCodeError(
    "mapfn raised ValueError: bad age",
    where=Where("people.tsv", 1024, key="1024", value="'Rome\\tn/a'"),
    hint="Try --skip-bad-records 1",
    user_traceback='File "ages.py", line 5, in mapfn\n    yield city, int(age)\n',
    task="map 3 attempt 4",
)


def test_the_whole_screen():
    assert failure.screen(FULL) == (
        "error: mapfn raised ValueError: bad age\n"
        "\n"
        'File "ages.py", line 5, in mapfn\n'
        "    yield city, int(age)\n"
        "\n"
        "  where   people.tsv at 1024\n"
        "  key     1024\n"
        "  record  'Rome\\tn/a'\n"
        "  in      map 3 attempt 4\n"
        "\n"
        "  Try --skip-bad-records 1\n"
    )


def test_only_what_is_known_is_shown():
    assert failure.screen(InputError("no such file: x")) == "error: no such file: x\n"


def test_an_error_of_several_lines():
    assert failure.screen(InputError("one\ntwo")) == "error: one\ntwo\n"


def test_an_error_without_words_is_called_by_its_class():
    assert failure.screen(InputError("")) == "error: InputError\n"


def test_a_long_traceback_keeps_its_ends():
    frames = "\n".join(f"line {i}" for i in range(500))
    lines = failure.screen(UserCodeError("boom", user_traceback=frames)).splitlines()
    assert len(lines) < 40
    assert lines[2] == "line 0"
    assert lines[-1] == "line 499"
    assert any("471 lines left out" in line for line in lines)


@pytest.mark.parametrize("error", [Bug("two winners"), KeyError("x")])
def test_our_own_mistakes_ask_for_a_report(error):
    screen = failure.screen(error)
    assert screen.startswith(f"error: this is a bug of mincer: {type(error).__name__}")
    assert "Please report it. Run it again with -v" in screen


def test_what_the_machine_refuses_is_no_bug():
    error = OSError(errno.ENOSPC, "No space left on device", "spill/run-1")
    screen = failure.screen(error)
    assert "the machine refused: No space left on device" in screen
    assert "  where   spill/run-1" in screen
    assert "bug" not in screen


def test_other_refusals_of_the_machine_are_bugs():
    assert "bug of mincer: NotADirectoryError" in failure.screen(
        NotADirectoryError(errno.ENOTDIR, "Not a directory")
    )


def test_colour_is_for_terminals(monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    plain, terminal = io.StringIO(), Terminal()
    failure.show(FULL, stream=plain)
    failure.show(FULL, stream=terminal)
    assert "\x1b[" not in plain.getvalue()
    assert terminal.getvalue().startswith("\x1b[1;31merror: mapfn raised")
    monkeypatch.setenv("NO_COLOR", "1")
    colourless = Terminal()
    failure.show(FULL, stream=colourless)
    assert colourless.getvalue() == plain.getvalue()


def test_our_traceback_is_for_the_verbose():
    quiet, verbose = io.StringIO(), io.StringIO()
    try:
        raise MincerError("boom")
    except MincerError as error:
        failure.show(error, stream=quiet)
        failure.show(error, stream=verbose, verbose=True)
    assert "Traceback" not in quiet.getvalue()
    assert verbose.getvalue().startswith("Traceback (most recent call last)")
    assert verbose.getvalue().endswith("error: boom\n")


@pytest.mark.parametrize(
    ("error", "code"),
    [(UsageError("x"), 2), (InputError("x"), 1), (Bug("x"), 1), (KeyError("x"), 1)],
)
def test_exit_codes(error, code):
    assert failure.exit_code(error) == code
