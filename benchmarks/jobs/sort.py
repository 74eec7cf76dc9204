"""Sort records into one total order: the key is their first ten characters."""

import mincer


def mapfn(key, line):
    yield line[:10], line


job = mincer.Job(mapfn, partitionfn=mincer.by_range, sort_keys=True)
