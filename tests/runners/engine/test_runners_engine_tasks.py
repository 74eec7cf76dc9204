"""The tasks of a job in a worker: what the suite on a loopback does not look at."""

import pytest
from engine_loopback import Loopback

import mincer
from mincer.errors import ShipError
from mincer.runners.engine import tasks
from mincer.testing.digests import digest


def words(key, line):
    for word in line.split():
        mincer.count("words")
        yield word, 1


LINES = mincer.sources.items([f"a b{n % 7} c{n % 11}" for n in range(5000)])


@pytest.mark.parametrize("slots", [1, 3, 50])
@pytest.mark.parametrize("parts", [1, 2, 7, 60])
def test_groups_make_no_difference(slots, parts):
    job = mincer.Job(words, sum, combinefn=sum, parts=parts)
    expected = job.run(LINES, runner="inline")
    with job.run(LINES, runner=Loopback(slots=slots)) as results:
        assert digest(results) == digest(expected)
        assert len(results.parts) == parts
        assert results.counters == expected.counters


def test_values_keep_the_order_of_the_input():
    job = mincer.Job(lambda key, n: [(n % 3, n)], list, parts=2)
    with job.run(list(range(9000)), runner=Loopback()) as results:
        assert results.to_dict() == {k: list(range(k, 9000, 3)) for k in range(3)}


def test_accounts_of_all_steps_come_out_with_the_last():
    chain = mincer.Job(words, sum).then(words_again, sum).then(words_again)
    expected = chain.run(LINES, runner="inline")
    with chain.run(LINES, runner=Loopback()) as results:
        assert results.counters == expected.counters
        assert digest(results) == digest(expected)


def words_again(word, n):
    mincer.count("words of a later step")
    yield word[0], n


def test_code_is_loaded_once_and_let_go_of(monkeypatch):
    loaded = []

    def load(data):
        loaded.append(len(data))
        return real(data)

    real = tasks.load_code
    monkeypatch.setattr(tasks, "load_code", load)
    for _ in range(6):
        mincer.Job(words, sum).run(LINES, runner=Loopback()).close()
    assert len(loaded) == 6
    assert len(tasks._codes) <= 4


def test_code_that_cannot_be_loaded_is_told(monkeypatch):
    def load(data):
        raise ShipError("no such library here")

    monkeypatch.setattr(tasks, "load_code", load)
    with pytest.raises(ShipError, match="no such library") as caught:
        mincer.Job(words, sum).run(LINES, runner=Loopback())
    assert "map 0" in caught.value.task
