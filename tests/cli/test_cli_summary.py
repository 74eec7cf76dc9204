"""The few lines after success: nothing that was not measured, all that matters."""

from mincer.cli.summary import summary
from mincer.runners.report import Report


def report(**figures):
    return Report(job="f" * 32, name="wc", runner="local", **figures)


def test_the_least():
    assert summary(report()) == "wc: 0 pairs in 0.00 s\n  input     0 records\n"


def test_all_of_it():
    text = summary(
        report(
            elapsed_s=2.5,
            map_s=2.0,
            reduce_s=0.25,
            workers=2,
            parts=16,
            records=123_456,
            bytes_read=50_000_000,
            records_skipped=2,
            pairs=1,
            bytes_written=1_200,
            attempts={"done": 9, "failed": 1},
            output="counts",
            counters={"words": 1000, "lines": 10},
            notes=["a worker died; its attempt ran again"],
        )
    )
    assert text == (
        "wc: 1 pair in 2.5 s\n"
        "  input     123,456 records, 50.0 MB at 20.0 MB/s, 2 bad ones left out\n"
        "  times     map 2.0 s, reduce 0.25 s, 2 workers\n"
        "  attempts  9 done, 1 failed\n"
        "  output    counts (16 parts, 1.20 KB)\n"
        "  counter   lines = 10\n"
        "  counter   words = 1,000\n"
        "  note      a worker died; its attempt ran again\n"
    )


def test_attempts_are_told_when_some_were_for_nothing():
    assert "attempts" not in summary(report(attempts={"done": 9}))


def test_the_verbose_get_more():
    figures = {"cpu_s": 4.0, "memory_bytes_max": 90_000_000, "bytes_spilled": 5_000}
    figures["input_from"] = {"read by workers": 3}
    quiet, verbose = (
        summary(report(**figures)),
        summary(report(**figures), verbose=True),
    )
    assert verbose.startswith(quiet)
    for words in ("processor 4.0 s", "90.0 MB at most", "5.00 KB spilled", "3 read by"):
        assert words in verbose
        assert words not in quiet


def test_many_counters_do_not_fill_the_screen():
    counters = {f"c{i:03}": i for i in range(100)}
    short = summary(report(counters=counters))
    assert len(short.splitlines()) < 25
    assert "… and 80 more" in short
    assert "c099 = 99" in summary(report(counters=counters), verbose=True)
