"""Jobs of several shapes, for engines that tests make themselves."""

import mincer

__all__ = ["JOBS", "LINES", "once_more", "words"]


def words(key, line):
    mincer.count("lines")
    for word in line.split():
        yield word, 1


def once_more(word, n):
    mincer.count("words")
    yield n % 10, word


LINES = mincer.sources.items([f"a b{n % 700} c{n % 110}" for n in range(3000)])
JOBS = {
    "one step": mincer.Job(words, sum, parts=9),
    "map only": mincer.Job(words),
    "two steps": mincer.Job(words, sum).then(once_more, len),
    "three": mincer.Job(words).then(once_more, len).then(lambda k, n: [(n, k)]),
    "ranges": mincer.Job(
        words, sum, partitionfn=mincer.by_range, sort_keys=True, parts=4
    ),
    "ranges later": mincer.Job(words, sum).then(
        once_more, partitionfn=mincer.by_range, sort_keys=True, sort_values=True
    ),
}
