"""The jobs whose answers are compared, as users would write them."""

import json

import mincer


def words_of(key, line):
    for word in line.lower().split():
        yield word, 1


def total(key, values):
    return sum(values)


def keyed(offset, line):
    yield line[:10], line


def ten_thousand(offset, line):
    start = int(line)
    for value in range(start, start + 10_000):
        yield "key", value


def described(key, values):
    """Goes over the values three times."""
    return [len(values), sum(values), sum(value & 1 for value in values)]


def spent(offset, record):
    yield record["user"], record["amount"]


def summed(user, amounts):
    return [sum(amounts), len(amounts), max(amounts)]


def parsed(offset, line):
    record = json.loads(line)
    yield record["user"], record["amount"]


words = mincer.Job(words_of, sum, combinefn=sum, sort_keys=True)
words_by_own = mincer.Job(words_of, total, combinefn=total)
words_uncombined = mincer.Job(words_of, total)
order = mincer.Job(keyed, partitionfn=mincer.by_range, sort_keys=True)
one_key = mincer.Job(ten_thousand, described)
spending = mincer.Job(spent, summed)
spending_parsed = mincer.Job(parsed, summed)
