"""The account of a job is plain data."""

import json

from mincer.runners.report import Report


def test_it_is_json():
    report = Report("id", "words", "inline", 1.0, elapsed_s=2.0, bytes_read=6_000_000)
    report.attempts = {"done": 3, "failed": 1, "lost": 2, "cancelled": 4}
    report.counters = {"n": 1}
    as_read = json.loads(json.dumps(report.as_dict()))
    assert as_read["name"] == "words"
    assert as_read["counters"] == {"n": 1}
    assert report.attempts_failed == 3
    assert report.megabytes_per_s == 3.0


def test_nothing_is_divided_by_no_time():
    assert Report("id", "words", "inline").megabytes_per_s == 0.0
