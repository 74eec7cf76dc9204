"""The progress view: what it shows for a sequence of `Progress`, and when."""

import io
import subprocess
import sys

import pytest

from mincer.cli.progress import ProgressView
from mincer.runners.base import Progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


class Gone(Terminal):
    """A stream whose reader goes away."""

    gone = False

    def write(self, text):
        if self.gone:
            raise BrokenPipeError
        return super().write(text)


@pytest.fixture(autouse=True)
def _terminal(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")


def at(elapsed_s, phase="mapping", **figures):
    return Progress(phase, elapsed_s=elapsed_s, **figures)


def half_way(elapsed_s):
    return at(
        elapsed_s,
        maps_done=5,
        maps_total=10,
        reduces_total=4,
        records=1000,
        bytes_read=5_000_000,
        bytes_total=10_000_000,
        workers=2,
    )


def shown(view, stream, *progress):
    for one in progress:
        view(one)
    return stream.getvalue()


def test_a_short_job_says_nothing():
    for stream in (io.StringIO(), Terminal()):
        with ProgressView(stream) as view:
            assert shown(view, stream, at(0.0), at(0.1), at(0.4, "done")) == ""


def test_a_log_gets_a_line_every_five_seconds():
    stream = io.StringIO()
    with ProgressView(stream) as view:
        text = shown(view, stream, *(at(second / 4) for second in range(4 * 16)))
    assert [line.split(", ")[-1] for line in text.splitlines()] == [
        "5.0 s so far",
        "10 s so far",
        "15 s so far",
    ]


def test_the_line_tells_how_far_and_how_long():
    stream = io.StringIO()
    with ProgressView(stream) as view:
        text = shown(
            view, stream, at(0.0, maps_total=10, bytes_total=10**7), half_way(5.0)
        )
    assert text == (
        "mapping, maps 5/10, reduces 0/4, 1,000 records (200/s), "
        "5.00 MB (1.00 MB/s), 5.0 s so far, 5.0 s left\n"
    )


def test_totals_that_are_not_known_are_not_made_up():
    stream = io.StringIO()
    with ProgressView(stream) as view:
        text = shown(view, stream, at(0.0), at(6.0, maps_done=3))
    assert "maps 3/?" in text
    assert "left" not in text


def test_the_time_left_is_that_of_the_phase_that_runs():
    stream = io.StringIO()
    begun = at(8.0, "reducing", reduces_total=8)
    with ProgressView(stream) as view:
        assert "left" not in shown(view, stream, half_way(4.0), begun)
        text = shown(
            view, stream, at(14.0, "reducing", reduces_done=2, reduces_total=8)
        )
    assert text.endswith("14 s so far, 18 s left\n")


@pytest.mark.parametrize("stream_of", [io.StringIO, Terminal])
@pytest.mark.parametrize("phase", ["done", "failed"])
def test_the_end_is_told_by_others(stream_of, phase):
    stream = stream_of()
    with ProgressView(stream) as view:
        assert shown(view, stream, at(9.0, phase)) == ""
        told = shown(view, stream, at(9.0, phase, notes=("a child died",)))
        assert told == "note: a child died\n"


def test_steps_are_named_when_there_are_several():
    stream = io.StringIO()
    with ProgressView(stream) as view:
        assert shown(view, stream, at(5.0, step=2, steps=3)).startswith(
            "step 2 of 3, map"
        )


def test_a_note_comes_at_once_and_once():
    stream = io.StringIO()
    with ProgressView(stream) as view:
        text = shown(
            view,
            stream,
            at(0.1, notes=("a worker died",)),
            at(0.2, notes=("a worker died", "another one")),
        )
    assert text == "note: a worker died\nnote: another one\n"


def test_bars_on_a_terminal():
    stream = Terminal()
    with ProgressView(stream) as view:
        text = shown(view, stream, at(0.0), half_way(1.0))
    assert "5/10" in text
    assert "0/4" in text
    assert "5.00 MB/s" in text
    assert "2 workers" in text


def test_notes_and_bars_together():
    stream = Terminal()
    with ProgressView(stream) as view:
        text = shown(view, stream, half_way(1.0), at(2.0, notes=("[red]1 of 2[/red]",)))
    assert "note: [red]1 of 2[/red]" in text


def test_closing_takes_the_bars_away_and_shows_the_cursor():
    stream = Terminal()
    view = ProgressView(stream)
    view(half_way(1.0))
    before = len(stream.getvalue())
    view.close()
    after = stream.getvalue()[before:]
    assert "\x1b[?25h" in after
    assert after.endswith("\x1b[2K")
    view.close()
    view(half_way(2.0))
    assert stream.getvalue()[before:] == after


def test_a_dumb_terminal_gets_lines(monkeypatch):
    monkeypatch.setenv("TERM", "dumb")
    stream = Terminal()
    with ProgressView(stream) as view:
        assert "\x1b" not in shown(view, stream, half_way(6.0))
    assert stream.getvalue().count("\n") == 1


@pytest.mark.parametrize("term", ["xterm", "dumb"])
def test_a_stream_that_went_away_does_not_cost_the_job(monkeypatch, term):
    monkeypatch.setenv("TERM", term)
    stream = Gone()
    with ProgressView(stream) as view:
        before = shown(view, stream, half_way(6.0))
        stream.gone = True
        assert shown(view, stream, half_way(12.0), half_way(18.0)) == before


def test_closing_on_a_stream_that_went_away():
    stream = Gone()
    view = ProgressView(stream)
    view(half_way(6.0))
    stream.gone = True
    view.close()
    stream.gone = False
    before = stream.getvalue()
    view(half_way(12.0))
    assert stream.getvalue() == before


def test_rich_is_not_imported_without_bars():
    code = (
        "import sys\n"
        "from mincer.cli.progress import ProgressView\n"
        "from mincer.runners.base import Progress\n"
        "ProgressView()(Progress('mapping', elapsed_s=9.0))\n"
        "assert 'rich' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, stderr=subprocess.PIPE)
