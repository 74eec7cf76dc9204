"""The workloads in rounds of tasks, for peers that offer a parallel map.

# Strategy:
# What such a peer gives is `each`: a function applied to every item in two processes,
# the answers in order. So its best programs look alike, and are written once:
#
# - few different keys (words, group): a task a file, which answers with its dict;
#   the dicts are added up in the parent.
# - many (distinct, index, sort): a task a file, which leaves its pairs in files by
#   part; then a task a part, which reads, merges and writes one part of the output.
#   Nothing large passes through the parent. Tried instead: the dicts added up in the
#   parent (joblib: 1.9 x the time on distinct words).
#
# The sort gives its function lines of bytes, which are quicker to read and to write.
"""

import random
import shutil
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping
from functools import partial, reduce
from itertools import chain
from marshal import dumps, loads
from pathlib import Path
from typing import Any, Protocol
from zlib import crc32

from benchmarks.peers import work
from benchmarks.peers.command import Program

#: Sampled records of each file, from which the cuts of the sort are taken.
SAMPLE = 2000
RECORD_SIZE_BYTES = 100
SORT_KEY_SIZE_BYTES = 10


class Each(Protocol):
    """Applies a function to every item in two processes; the answers in order."""

    def __call__(self, function: Callable[[Any], Any], items: list[Any]) -> list[Any]:
        """Return `[function(item) for item in items]`."""
        ...


def programs(each: Each) -> Mapping[str, Program]:
    """The programs of a peer that offers `each`."""
    return {
        "tiny": partial(count, each, words_of_file),
        "words": partial(count, each, words_of_file),
        "words_blocks": partial(count, each, blocks_of_file),
        "group": partial(group, each),
        "distinct": partial(in_parts, each, leave_words, merge_words),
        "index": partial(in_parts, each, leave_index, merge_index),
        "sort": partial(sort, each),
    }


# --- few different keys: added up in the parent


def words_of_file(path: str) -> dict[str, int]:
    """Count the words of a file, line by line."""
    return work.fold_words(work.text_lines([path]))


def blocks_of_file(path: str) -> dict[str, int]:
    """Count the words of a file, block by block."""
    return work.fold_blocks(work.blocks(path))


def groups_of_file(path: str) -> work.Groups:
    """The groups of a file."""
    return work.fold_groups(work.text_lines([path]))


def count(
    each: Each,
    of_file: Callable[[str], dict[str, int]],
    out: str,
    inputs: list[str],
) -> None:
    """Count words; the counts of the files are added up here."""
    counts = reduce(work.add_counts, each(of_file, inputs))
    work.write_text(out, work.words_text(counts.items()))


def group(each: Each, out: str, inputs: list[str]) -> None:
    """Group JSON lines; the groups of the files are added up here."""
    groups = reduce(work.add_groups, each(groups_of_file, inputs))
    work.write_text(out, work.groups_text(groups))


# --- many: two rounds, with files by part between them


def folders(out: str) -> tuple[Path, Path]:
    """The folder of the output and the one of the pieces, both empty."""
    made = Path(out), Path(f"{out}.pieces")
    for folder in made:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    return made


def in_parts(
    each: Each,
    leave: Callable[..., None],
    merge: Callable[..., None],
    out: str,
    inputs: list[str],
) -> None:
    """Run a round over the files, then one over the parts."""
    folder, pieces = folders(out)
    each(partial(leave, pieces), inputs)
    each(partial(merge, pieces, folder), list(range(work.PARTS)))
    shutil.rmtree(pieces)


def leave_pieces(pieces: Path, path: str, pairs: Iterable[tuple[str, Any]]) -> None:
    """Leave the pairs of a file in one piece for each part.

    By checksum: `hash` of a text differs from process to process.
    """
    parts: list[dict[str, Any]] = [{} for _ in range(work.PARTS)]
    for word, value in pairs:
        parts[crc32(word.encode()) % work.PARTS][word] = value
    for part, piece in enumerate(parts):
        # Version 2 keeps no table of references, which would cost more than it saves.
        (pieces / f"{part:02d}-{Path(path).name}").write_bytes(dumps(piece, 2))


def pieces_of(pieces: Path, part: int) -> Iterable[dict[str, Any]]:
    """What all files left for a part, in the order of the files."""
    for path in sorted(pieces.glob(f"{part:02d}-*")):
        yield loads(path.read_bytes())


def leave_words(pieces: Path, path: str) -> None:
    """Count the words of a file and leave the counts by part."""
    leave_pieces(pieces, path, words_of_file(path).items())


def merge_words(pieces: Path, out: Path, part: int) -> None:
    """Add up the counts of a part and write them."""
    counts: dict[str, int] = reduce(work.add_counts, pieces_of(pieces, part))
    work.write_text(work.part_path(out, part), work.words_text(counts.items()))


def leave_index(pieces: Path, path: str) -> None:
    """Index a file and leave the lists by part."""
    leave_pieces(pieces, path, work.fold_index(path).items())


def merge_index(pieces: Path, out: Path, part: int) -> None:
    """Append the lists of a part, file after file, and write them."""
    index: work.Index = {}
    for piece in pieces_of(pieces, part):
        for word, places in piece.items():
            if word in index:
                index[word] += places
            else:
                index[word] = places
    text = "".join([work.index_line(*item) for item in index.items()])
    work.write_text(work.part_path(out, part), text)


def sort(each: Each, out: str, inputs: list[str]) -> None:
    """Sort records into one total order: cut by ranges of a sample, sort each."""
    folder, pieces = folders(out)
    cuts = cuts_of(inputs)
    each(partial(leave_records, pieces, cuts), inputs)
    each(partial(merge_records, pieces, folder), list(range(work.PARTS)))
    shutil.rmtree(pieces)


def cuts_of(inputs: list[str]) -> list[bytes]:
    """The keys at which the output is cut into parts of about the same size."""
    chosen, keys = random.Random(1), []
    for path in inputs:
        count = Path(path).stat().st_size // RECORD_SIZE_BYTES
        with open(path, "rb") as file:
            for number in chosen.sample(range(count), min(SAMPLE, count)):
                file.seek(number * RECORD_SIZE_BYTES)
                keys.append(file.read(SORT_KEY_SIZE_BYTES))
    keys.sort()
    return [keys[len(keys) * part // work.PARTS] for part in range(1, work.PARTS)]


def leave_records(pieces: Path, cuts: list[bytes], path: str) -> None:
    """Leave the records of a file in one piece for each part."""
    names = [f"{part:02d}-{Path(path).name}" for part in range(work.PARTS)]
    lines: list[list[bytes]] = [[] for _ in names]
    append = [piece.append for piece in lines]
    with open(path, "rb") as file:
        for number, line in enumerate(file):
            for key, record in work.keyed(number, line):
                append[bisect_right(cuts, key)](record)
    for name, piece in zip(names, lines, strict=True):
        (pieces / name).write_bytes(b"".join(piece))


def merge_records(pieces: Path, out: Path, part: int) -> None:
    """Sort a part and write it."""
    paths = sorted(pieces.glob(f"{part:02d}-*"))
    records = list(chain.from_iterable(p.read_bytes().splitlines(True) for p in paths))
    records.sort()
    work.part_path(out, part).write_bytes(b"".join(records))
