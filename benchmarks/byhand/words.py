"""Count words by hand: plain, from a generator a line, a Counter a block, in parts.

line      two processes; a generator that yields (word, 1) a line, summed in a dict
block     two processes; a Counter.update a block of a MiB
plain     one process, the same
parts     as block, then cut by first letter: the other half of the work in parts, so
          that no process merges everything (for many distinct words)
parts-line   as parts, from the generator
"""

from __future__ import annotations

import marshal
import os
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from operator import itemgetter

from parallel import PROCESSES, emptied, fan, run_form

Counts = dict[str, int]
#: A part is a range of first letters.
CUTS = [chr(code) for code in range(98, 123, 2)]
PARTS = range(len(CUTS) + 1)


def blocks(path: str, size_bytes: int = 1 << 20) -> Iterator[str]:
    with open(path) as file:
        while lines := file.readlines(size_bytes):
            yield "".join(lines)


def count_blocks(paths: Iterable[str], number: int = 0) -> Counts:
    counts: Counter[str] = Counter()
    for path in paths:
        for block in blocks(path):
            counts.update(block.lower().split())
    return dict(counts)


def mapfn(key: int, line: str) -> Iterator[tuple[str, int]]:
    for word in line.lower().split():
        yield word, 1


def count_lines(paths: Iterable[str], number: int) -> Counts:
    d: Counts = {}
    for path in paths:
        with open(path) as file:
            for i, line in enumerate(file):
                for w, n in mapfn(i, line):
                    d[w] = d[w] + n if w in d else n
    return d


def summed(some: list[Counts]) -> Counts:
    some.sort(key=len)
    total = some.pop()
    for counts in some:
        for word, n in counts.items():
            total[word] = total.get(word, 0) + n
    return total


def write(path: str, counts: Counts) -> None:
    ordered = sorted(counts.items(), key=itemgetter(0))
    with open(path, "w") as file:
        file.writelines([f"{word}\t{n}\n" for word, n in ordered])


def plain(paths: list[str], out: str) -> None:
    write(out, count_blocks(paths))


def by_block(paths: list[str], out: str) -> None:
    write(out, summed(fan(count_blocks, paths)))


def by_line(paths: list[str], out: str) -> None:
    write(out, summed(fan(count_lines, paths)))


def spill(counts: Counts, folder: str, number: int) -> None:
    parts: list[Counts] = [{} for _ in PARTS]
    for word, n in counts.items():
        parts[bisect_right(CUTS, word)][word] = n
    for part, some in enumerate(parts):
        with open(f"{folder}/map{number}-{part:02d}", "wb") as file:
            file.write(marshal.dumps(some))


def reduce_parts(parts: Iterable[int], number: int, folder: str) -> None:
    for part in parts:
        some = []
        for mapped in range(PROCESSES):
            with open(f"{folder}/map{mapped}-{part:02d}", "rb") as file:
                some.append(marshal.load(file))
        write(f"{folder}/part-{part:02d}", summed(some))


def in_parts(
    count: Callable[[Iterable[str], int], Counts], paths: list[str], out: str
) -> None:
    folder = emptied(out)

    def count_and_spill(paths: Iterable[str], number: int) -> None:
        spill(count(paths, number), folder, number)

    fan(count_and_spill, paths)
    fan(reduce_parts, list(PARTS), folder)
    for part in PARTS:
        for mapped in range(PROCESSES):
            os.remove(f"{folder}/map{mapped}-{part:02d}")


def parts_by_block(paths: list[str], out: str) -> None:
    in_parts(count_blocks, paths, out)


def parts_by_line(paths: list[str], out: str) -> None:
    in_parts(count_lines, paths, out)


if __name__ == "__main__":
    run_form(
        {
            "line": by_line,
            "block": by_block,
            "plain": plain,
            "parts": parts_by_block,
            "parts-line": parts_by_line,
        }
    )
