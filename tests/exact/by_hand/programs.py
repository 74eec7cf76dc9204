"""Each job of `jobs.py` as a careful person writes it for that one job: plain loops,
nothing of mincer. usage: python programs.py NAME INPUT...  prints the digest."""

import gzip
import json
import sys

from rows import digest


def lines_of(paths, **options):
    for path in paths:
        opened = gzip.open if path.endswith(".gz") else open
        with opened(path, "rt", newline="\n", encoding="utf-8", **options) as file:
            for line in file:
                yield line.removesuffix("\n").removesuffix("\r")


def count_words(lines):
    counts = {}
    for line in lines:
        for word in line.lower().split():
            counts[word] = counts.get(word, 0) + 1
    return counts.items()


def words(paths):
    return digest(count_words(lines_of(paths)))


def library(paths):
    return digest(count_words(lines_of(paths, errors="replace")))


def order(paths):
    records = list(lines_of(paths))
    records.sort(key=lambda line: line[:10])
    return digest(((line[:10], line) for line in records), ordered=True)


def one_key(paths):
    n = total = odd = 0
    for line in lines_of(paths):
        start = int(line)
        for value in range(start, start + 10_000):
            n += 1
            total += value
            odd += value & 1
    return digest([("key", [n, total, odd])])


def spending(paths):
    users = {}
    for line in lines_of(paths):
        record = json.loads(line)
        users.setdefault(record["user"], []).append(record["amount"])
    return digest((u, [sum(a), len(a), max(a)]) for u, a in users.items())


def texts(paths):
    """What `dict_source` and `generator_source` of jobs.py hold: lines by number."""
    return words(paths)


if __name__ == "__main__":
    print(globals()[sys.argv[1]](sys.argv[2:]))
