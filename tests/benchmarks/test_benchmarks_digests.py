"""Outputs are the same, or not, however they are cut into files."""

import json

import pytest

from benchmarks import digests


@pytest.fixture
def folder(tmp_path):
    def write(name, *parts):
        out = tmp_path / name
        out.mkdir()
        for number, text in enumerate(parts):
            (out / f"part-{number:05d}").write_text(text)
        (out / "_SUCCESS").write_text("not a part")
        return out

    return write


def test_lines_may_be_in_any_order_and_in_any_file(folder, tmp_path):
    one_file = tmp_path / "one"
    one_file.write_text("a\t1\nb\t2\nb\t2\nc\t3\n")
    parts = folder("parts", "c\t3\nb\t2\n", "", "a\t1\nb\t2\n")
    assert digests.lines(one_file) == digests.lines(parts)
    assert digests.lines(parts).count == 4


@pytest.mark.parametrize(
    "other", ["a\t1\nb\t2\n", "a\t1\na\t1\nb\t2\n", "a\t1\nb\t2\nb\t3\n", ""]
)
def test_another_line_or_another_count_is_another_digest(folder, other):
    first = folder("first", "a\t1\nb\t2\nb\t2\n")
    assert digests.lines(first) != digests.lines(folder("other", other))


def test_a_total_order_is_compared_over_its_files(folder):
    first = folder("first", "a\nb\n", "c\n")
    assert digests.ordered(first) == digests.ordered(folder("cut", "a\n", "b\nc\n"))
    assert digests.ordered(first) != digests.ordered(folder("mixed", "b\na\n", "c\n"))


def test_tuples_and_text_may_be_written_either_way(folder):
    first = folder("first", 'u1\t[30, 2, 20]\n"true"\t1\n')
    other = folder("other", "true\t1\nu1\t30\t2\t20\n")
    assert digests.loose(first) == digests.loose(other)
    assert digests.loose(first) != digests.loose(folder("third", "true\t1\nu1\t30\n"))


def test_offsets_of_lines_become_their_numbers(folder, tmp_path):
    paths = [tmp_path / "part-00.txt", tmp_path / "part-01.txt"]
    paths[0].write_text("x\nlong line\nx\n")
    paths[1].write_text("x y\nx\n")
    by_offset = folder("o", 'x\t"100000000 100000012 110000000 110000004"\n')
    by_number = folder("n", "x\t100000000 100000002 110000000 110000001\n")
    assert digests.places(paths)(by_offset) == digests.loose(by_number)


def test_attempts_are_told_by_a_report_or_a_number(tmp_path):
    report, number = tmp_path / "report", tmp_path / "number"
    report.write_text(json.dumps({"attempts": {"done": 10, "failed": 1}}))
    number.write_text("10\n")
    assert digests.attempts(report) == digests.attempts(number)
    number.write_text("9\n")
    assert digests.attempts(report) != digests.attempts(number)
