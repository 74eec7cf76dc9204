"""Many small items given by the program itself; `items.py 0` is the start-up alone."""

import sys

import mincer


def mapfn(key, number):
    if number == 0:
        yield key, number


job = mincer.Job(mapfn)

if __name__ == "__main__":
    _, output, count = sys.argv
    job.run(list(range(int(count))), workers=2, output=output, overwrite=True)
