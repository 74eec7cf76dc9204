"""What the programs by hand for Spark, Dask and Ray have alike: the work on a file.

Functions of the user are called record by record, as mincer calls them; what is around
that is as fast as it comes: files are read by the workers, and each makes one dict.
JSON is parsed by msgspec, which takes a third of the time of the standard library's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from operator import itemgetter
from typing import Any
from zlib import crc32

import msgspec

Counts = dict[str, int]
#: The sum, the number and the largest.
Groups = dict[str, tuple[int, int, int]]
PARTS = 4


def map_words(key: int, line: str) -> Iterator[tuple[str, int]]:
    for word in line.lower().split():
        yield word, 1


def map_record(key: int, record: dict[str, Any]) -> Iterator[tuple[str, int]]:
    yield record["user_id"], record["amount"]


def count_lines(lines: Iterable[str]) -> Counts:
    d: Counts = {}
    get = d.get
    for i, line in enumerate(lines):
        for w, n in map_words(i, line):
            d[w] = get(w, 0) + n
    return d


def count_file(path: str) -> Counts:
    with open(path) as file:
        return count_lines(file)


def count_files(paths: Iterable[str]) -> Counts:
    return count_lines(line for path in paths for line in open(path))


def group_lines(lines: Iterable[str]) -> Groups:
    d: dict[str, list[int]] = {}
    loads: Any = msgspec.json.Decoder().decode
    for i, line in enumerate(lines):
        for user, a in map_record(i, loads(line)):
            e = d.get(user)
            if e is None:
                d[user] = [a, 1, a]
            else:
                e[0] += a
                e[1] += 1
                if a > e[2]:
                    e[2] = a
    return {user: (s, n, m) for user, (s, n, m) in d.items()}


def group_file(path: str) -> Groups:
    with open(path) as file:
        return group_lines(file)


def group_files(paths: Iterable[str]) -> Groups:
    return group_lines(line for path in paths for line in open(path))


def add(one: int, other: int) -> int:
    return one + other


def join(
    one: tuple[int, int, int], other: tuple[int, int, int]
) -> tuple[int, int, int]:
    return one[0] + other[0], one[1] + other[1], max(one[2], other[2])


def merged(some: Iterable[dict[str, Any]], together: Callable[[Any, Any], Any]) -> Any:
    """All dicts as one."""
    found = iter(some)
    total = dict(next(found))
    for one in found:
        for key, value in one.items():
            total[key] = together(total[key], value) if key in total else value
    return total


def dealt(paths: list[str], tasks: int = 4) -> list[list[str]]:
    """The paths, in as many lists."""
    return [paths[first::tasks] for first in range(tasks)]


def cut(whole: dict[str, Any], parts: int = PARTS) -> list[dict[str, Any]]:
    """A dict as several, by a hash of the key that is the same everywhere."""
    found: list[dict[str, Any]] = [{} for _ in range(parts)]
    for key, value in whole.items():
        found[crc32(key.encode()) % parts][key] = value
    return found


def write_words(out: str, counts: Iterable[tuple[str, int]]) -> None:
    with open(out, "w") as file:
        file.writelines([f"{w}\t{n}\n" for w, n in sorted(counts, key=itemgetter(0))])


def write_groups(out: str, groups: Iterable[tuple[str, tuple[int, int, int]]]) -> None:
    with open(out, "w") as file:
        file.writelines(
            [
                f"{u}\t{s}\t{n}\t{m}\n"
                for u, (s, n, m) in sorted(groups, key=itemgetter(0))
            ]
        )
