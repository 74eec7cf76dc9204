"""Count the words of some books."""

import sys
from pathlib import Path

import mincer


def mapfn(key, line):
    for word in line.lower().split():
        yield word.strip(".,;:!?\"'()-"), 1


job = mincer.Job(mapfn, sum, combinefn=sum)

#: What `mincer run wordcount.py` reads when no INPUT is named.
source = Path(__file__).parent / "books"

if __name__ == "__main__":
    results = job.run(sys.argv[1:] or source)
    for word, count in results.top(10):
        print(f"{count:5} {word}")
