"""All records under one key, which no child could hold in its memory."""

import mincer


def mapfn(key, line):
    yield "all", line


def reducefn(key, lines):
    count = total = 0
    for line in lines:
        count += 1
        total += int(line[11:21])
    return f"{count} {total}"


job = mincer.Job(mapfn, reducefn)
