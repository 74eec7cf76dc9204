"""For each word, the files that it occurs in."""

import sys
from pathlib import Path

import mincer


def mapfn(key, line):
    path, _offset = key
    name = Path(path).name
    for word in set(line.lower().split()):
        yield word.strip(".,;:!?\"'()-"), name


def reducefn(word, names):
    return sorted(set(names))


job = mincer.Job(mapfn, reducefn, sort_keys=True)

books = Path(__file__).parent.parent / "wordcount" / "books"
source = mincer.sources.text(books, key="path")

if __name__ == "__main__":
    given = sys.argv[1:]
    results = job.run(mincer.sources.text(given, key="path") if given else source)
    for word, names in results:
        print(word, *names)
