"""Count words: a generator a line; summed by a builtin, or by an own function."""

import mincer


def mapfn(key, line):
    for word in line.lower().split():
        yield word, 1


def total(key, values):
    return sum(values)


by_sum = mincer.Job(mapfn, sum, combinefn=sum)
by_own = mincer.Job(mapfn, total, combinefn=total)
sorted_by_sum = mincer.Job(mapfn, sum, combinefn=sum, sort_keys=True)
sorted_by_own = mincer.Job(mapfn, total, combinefn=total, sort_keys=True)
