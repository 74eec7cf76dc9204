"""The same seed gives the same bytes, of the kind that a benchmark needs."""

import hashlib
import json
from collections import Counter

import pytest

from benchmarks import inputs

SMALL = [
    ("words", "1m"), ("distinct", "2m"), ("records", "10m"), ("json", "100k"),
    ("tiny", "5"),
]  # fmt: skip


def text_of(kind, size, part=0):
    return "".join(inputs.KINDS[kind][size](part))


@pytest.mark.parametrize(("kind", "size"), SMALL)
def test_a_part_is_the_same_each_time(kind, size):
    assert text_of(kind, size) == text_of(kind, size)


@pytest.mark.parametrize(("kind", "size"), SMALL[:-1])
def test_parts_differ_and_are_whole_lines_of_ascii(kind, size):
    first, second = text_of(kind, size, 0), text_of(kind, size, 1)
    assert first != second
    assert first.isascii()
    assert first.endswith("\n")


def test_the_bytes_are_those_that_were_measured():
    # Another value here means other inputs: raise inputs.VERSION. Without `distinct`,
    # which takes powers of floats: their last bits are the system's.
    kinds = [(kind, size) for kind, size in SMALL if kind != "distinct"]
    text = "".join(text_of(kind, size) for kind, size in kinds)
    assert hashlib.sha256(text.encode()).hexdigest()[:16] == "72606787aa565040"


def test_words_are_like_those_of_a_novel():
    text = text_of("words", "12m")
    lines = text.splitlines()
    words = Counter(text.lower().split())
    total = words.total()
    assert 10 < total / len(lines) < 12
    assert 5 < len(text) / total < 6.5
    # Zipf's law: the hundred commonest are a third to a half of all.
    assert 0.3 < sum(n for _, n in words.most_common(100)) / total < 0.6
    assert any(word != word.lower() for word in text.split())
    assert any(word.endswith(",") for word in words)


def test_a_size_is_what_it_says():
    assert len(text_of("words", "1m")) == pytest.approx(62_500, rel=0.01)
    assert len(text_of("words", "12m")) == pytest.approx(750_000, rel=0.01)
    assert inputs.size_bytes("120m") == 120_000_000


def test_most_distinct_words_are_rare():
    words = Counter(text_of("distinct", "2m").split())
    assert sum(n == 1 for n in words.values()) > len(words) / 2


def test_records_have_a_hundred_bytes_and_their_number():
    lines = text_of("records", "10m", 3).splitlines(keepends=True)
    assert len(lines) == 6250
    assert {len(line) for line in lines} == {100}
    assert [int(line[11:21]) for line in lines] == list(range(18_750, 25_000))


def test_json_lines_are_json():
    records = list(map(json.loads, text_of("json", "100k").splitlines()))
    assert len(records) == 6250
    assert {tuple(record) for record in records} == {("user_id", "amount")}


def test_files_are_made_once(tmp_path, monkeypatch):
    monkeypatch.setattr(inputs, "FOLDER", tmp_path)
    (path,) = inputs.parts("tiny", "5")
    text = path.read_text()
    assert len(text.splitlines()) >= 5
    path.write_text("kept")
    assert inputs.parts("tiny", "5") == [path]
    assert path.read_text() == "kept"
    assert [entry.name for entry in path.parent.parent.iterdir()] == ["tiny-5"]
