"""An inverted index by hand: for each word, where it is, as sorted numbers.

A place is (10 + number of the file) * 10,000,000 + number of the line.
hand: two processes, spilled by first letter, then merged in parts. parent: two
processes, merged in the parent. plain: one process.
"""

from __future__ import annotations

import marshal
import os
from bisect import bisect_right
from collections.abc import Iterable
from operator import itemgetter

from parallel import PROCESSES, emptied, fan, run_form
from words import CUTS, PARTS

Index = dict[str, list[int]]


def first_place(path: str) -> int:
    """Of `part-03.txt`: two digits, so that places sort as text as well."""
    return (10 + int(os.path.basename(path)[5:7])) * 10_000_000


def index(paths: Iterable[str], number: int = 0) -> Index:
    d: Index = {}
    for path in paths:
        with open(path) as file:
            for place, line in enumerate(file, first_place(path)):
                for w in set(line.lower().split()):
                    if w in d:
                        d[w].append(place)
                    else:
                        d[w] = [place]
    return d


def write(path: str, places: Index) -> None:
    with open(path, "w") as file:
        for word, some in sorted(places.items(), key=itemgetter(0)):
            file.write(word + "\t" + " ".join(map(str, some)) + "\n")


def merged(first: Index, second: Index) -> Index:
    for word, some in second.items():
        first[word] = sorted(first[word] + some) if word in first else some
    return first


def spill(paths: Iterable[str], number: int, folder: str) -> None:
    parts: list[Index] = [{} for _ in PARTS]
    for word, some in index(paths).items():
        parts[bisect_right(CUTS, word)][word] = some
    for part, places in enumerate(parts):
        with open(f"{folder}/map{number}-{part:02d}", "wb") as file:
            # 2: without a table of references, much faster for shared numbers.
            file.write(marshal.dumps(places, 2))


def reduce_parts(parts: Iterable[int], number: int, folder: str) -> None:
    for part in parts:
        some = []
        for mapped in range(PROCESSES):
            path = f"{folder}/map{mapped}-{part:02d}"
            with open(path, "rb") as file:
                some.append(marshal.load(file))
            os.remove(path)
        write(f"{folder}/part-{part:02d}", merged(*some))


def two_processes(paths: list[str], out: str) -> None:
    folder = emptied(out)
    fan(spill, paths, folder)
    fan(reduce_parts, list(PARTS), folder)


def in_parent(paths: list[str], out: str) -> None:
    write(out, merged(*fan(index, paths)))


def plain(paths: list[str], out: str) -> None:
    write(out, index(paths))


if __name__ == "__main__":
    run_form({"hand": two_processes, "parent": in_parent, "plain": plain})
