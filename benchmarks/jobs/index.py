"""An inverted index: for each word, its places as sorted numbers.

A place is (10 + number of the file) * 10,000,000 + offset of the line in it.
"""

import os

import mincer


def mapfn(key, line):
    path, offset = key
    place = (10 + int(path[-6:-4])) * 10_000_000 + offset
    for word in set(line.lower().split()):
        yield word, place


def reducefn(word, places):
    return " ".join(map(str, sorted(places)))


job = mincer.Job(mapfn, reducefn)
source = mincer.sources.text(os.environ["BENCH_INPUT"], key="path")
