"""Parts brought to the driver: many small ones at a time, large ones alone."""

from mincer.codec.blocks import encode_pairs
from mincer.runners.engine import window
from mincer.runners.engine.window import Window


class Engine:
    def __init__(self, sizes, window_bytes, monkeypatch):
        monkeypatch.setattr(window, "_WINDOW_BYTES", window_bytes)
        self.asked = []
        self.window = Window(sizes, self.fetch)

    def fetch(self, parts):
        self.asked.append(list(parts))
        return [encode_pairs([part], [part * 10]) for part in parts]

    def read(self, part):
        return [
            pair
            for columns in self.window.reader(part)()
            for pair in zip(*columns, strict=True)
        ]


def test_small_ones_come_together(monkeypatch):
    engine = Engine([10] * 7, 35, monkeypatch)
    assert [engine.read(part) for part in range(7)] == [[(n, n * 10)] for n in range(7)]
    assert engine.asked == [[0, 1, 2], [3, 4, 5], [6]]


def test_a_large_one_comes_alone(monkeypatch):
    engine = Engine([10, 500, 10, 10], 100, monkeypatch)
    for part in range(4):
        engine.read(part)
    assert engine.asked == [[0], [1], [2, 3]]


def test_empty_ones_are_not_asked_for(monkeypatch):
    engine = Engine([0, 10, 0, 10], 100, monkeypatch)
    assert engine.read(0) == engine.read(2) == []
    assert engine.read(1) == [(1, 10)]
    assert engine.asked == [[1, 3]]


def test_they_may_be_read_again_and_in_any_order(monkeypatch):
    engine = Engine([10] * 4, 100, monkeypatch)
    for part in (3, 1, 1, 0, 3):
        assert engine.read(part) == [(part, part * 10)]
