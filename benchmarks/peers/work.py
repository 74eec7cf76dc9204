"""The work of the benchmark: what is computed, the same for every peer.

The functions that a user brings are the mapfn of the jobs of mincer, and get what those
get. The folds around them are what a careful user of a framework writes: one dict over
all lines that a task reads, nothing sent line by line.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, AnyStr

#: How many processes do the work, in every peer.
WORKERS = 2

#: How many parts a word count, an index or a sort is cut into, where it is cut.
PARTS = 16

#: About so much text is one block.
BLOCK_SIZE_BYTES = 1 << 20

#: user → [sum, count, largest]
Groups = dict[str, list[int]]
#: word → places of the lines that have it, ascending
Index = dict[str, list[int]]


# --- what the user brings


def words(key: object, line: str) -> Iterator[tuple[str, int]]:
    """Yield each word of a line with 1."""
    for word in line.lower().split():
        yield word, 1


def words_of_block(key: object, block: str) -> Counter[str]:
    """How often each word is in a block of lines."""
    return Counter(block.lower().split())


def amounts(key: object, record: dict[str, Any]) -> Iterator[tuple[str, int]]:
    """Yield the user of a record with the amount."""
    yield record["user_id"], record["amount"]


def places(key: tuple[str, int], line: str) -> Iterator[tuple[str, int]]:
    """Yield each word of a line with the place of the line.

    `key` is the path of its file and its number there; places have nine digits, so that
    they sort as text, too.
    """
    path, number = key
    place = (10 + int(path[-6:-4])) * 10_000_000 + number
    for word in set(line.lower().split()):
        yield word, place


def keyed(key: object, record: AnyStr) -> Iterator[tuple[AnyStr, AnyStr]]:
    """Yield a record under its first ten characters."""
    yield record[:10], record


# --- folds over what one task reads


def text_lines(paths: Iterable[str]) -> Iterator[str]:
    """The lines of all files, with their ends."""
    for path in paths:
        with open(path, encoding="utf-8") as file:
            yield from file


def blocks(path: str) -> Iterator[str]:
    """The text of a file in blocks of whole lines."""
    with open(path, encoding="utf-8") as file:
        while lines := file.readlines(BLOCK_SIZE_BYTES):
            yield "".join(lines)


def fold_words(lines: Iterable[str]) -> dict[str, int]:
    """Count the words of some lines."""
    counts: dict[str, int] = {}
    for number, line in enumerate(lines):
        for word, one in words(number, line):
            counts[word] = counts[word] + one if word in counts else one
    return counts


def fold_blocks(texts: Iterable[str]) -> dict[str, int]:
    """Count the words of some blocks."""
    counts: Counter[str] = Counter()
    for number, block in enumerate(texts):
        counts.update(words_of_block(number, block))
    return dict(counts)


def add_counts(counts: dict[str, int], more: dict[str, int]) -> dict[str, int]:
    """Add to the larger of the two, and return it."""
    if len(counts) < len(more):
        counts, more = more, counts
    for word, count in more.items():
        counts[word] = counts[word] + count if word in counts else count
    return counts


def fold_groups(lines: Iterable[str]) -> Groups:
    """Sum, count and maximum of the amounts of each user, from lines of JSON."""
    groups: Groups = {}
    loads = json.loads
    for number, line in enumerate(lines):
        for user, amount in amounts(number, loads(line)):
            group = groups.get(user)
            if group is None:
                groups[user] = [amount, 1, amount]
            else:
                group[0] += amount
                group[1] += 1
                if amount > group[2]:
                    group[2] = amount
    return groups


def add_groups(groups: Groups, more: Groups) -> Groups:
    """Add to the first of the two, and return it."""
    for user, (total, count, largest) in more.items():
        group = groups.get(user)
        if group is None:
            groups[user] = [total, count, largest]
        else:
            group[0] += total
            group[1] += count
            group[2] = max(group[2], largest)
    return groups


def first_place(path: str) -> int:
    """The place of the first line of a file, for those who call no function."""
    return (10 + int(path[-6:-4])) * 10_000_000


def fold_index(path: str, name: str = "") -> Index:
    """The places of each word of one file; `name`, where `path` is a copy of it."""
    index: Index = {}
    name = name or path
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file):
            for word, place in places((name, number), line):
                if word in index:
                    index[word].append(place)
                else:
                    index[word] = [place]
    return index


# --- what is written


def words_text(counts: Iterable[tuple[str, int]]) -> str:
    """The lines of a word count."""
    return "".join([f"{word}\t{count}\n" for word, count in counts])


def groups_text(groups: Groups) -> str:
    """The lines of the groups."""
    return "".join([f"{user}\t{s}\t{c}\t{m}\n" for user, (s, c, m) in groups.items()])


def index_line(word: str, found: Iterable[int]) -> str:
    """One line of the index."""
    return f"{word}\t{' '.join(map(str, found))}\n"


def write_text(path: str | Path, text: str) -> None:
    """Write a file of the output."""
    with open(path, "w", encoding="utf-8", newline="\n") as file:
        file.write(text)


def part_path(folder: str | Path, number: int) -> Path:
    """Where part `number` of the output is; the names sort in order."""
    return Path(folder) / f"part-{number:05d}"
