"""Sum, count and maximum for each user of JSON lines."""

import os

import mincer


def mapfn(key, record):
    yield record["user_id"], record["amount"]


def reducefn(user, amounts):
    return sum(amounts), len(amounts), max(amounts)


job = mincer.Job(mapfn, reducefn)
source = mincer.sources.jsonl(os.environ["BENCH_INPUT"])
