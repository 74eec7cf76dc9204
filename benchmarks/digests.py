"""Are two outputs the same? Compared outside the clock, by digest."""

# Strategy: who hashes keys to parts writes the same lines in another order, so those
# are compared as a multiset: how many lines, and the sum of their hashes. `hash` of
# bytes is keyed anew in each process (SipHash), so the sums mean something in this
# process only, which is all that is asked of them. An output in total order is
# compared byte by byte, over its files in the order of their names.

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Digest", "attempts", "lines", "loose", "ordered", "places"]

_BLOCK_BYTES = 1 << 20
_HASH_MASK = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class Digest:
    """Equal for equal outputs; `count` is of lines, or of bytes when in order."""

    count: int
    value: str


Reader = Callable[[Path], Digest]


def files_of(out: Path) -> list[Path]:
    """The file, or the part files of the folder: not `_SUCCESS` and its like."""
    if not out.is_dir():
        return [out]
    return sorted(path for path in out.iterdir() if path.name[0] not in "_.")


def _multiset(some: Iterable[list[bytes]]) -> Digest:
    count = total = 0
    for block in some:
        count += len(block)
        total = (total + sum(map(hash, block))) & _HASH_MASK
    return Digest(count, f"{total:016x}")


def _blocks(out: Path) -> Iterator[list[bytes]]:
    for path in files_of(out):
        with open(path, "rb") as file:
            while block := file.readlines(_BLOCK_BYTES):
                yield block


def lines(out: Path) -> Digest:
    """The lines, in any order."""
    return _multiset(_blocks(out))


def ordered(out: Path) -> Digest:
    """The bytes, in the order of the files' names."""
    digest = hashlib.sha256()
    count = 0
    for path in files_of(out):
        with open(path, "rb") as file:
            while data := file.read(_BLOCK_BYTES):
                count += len(data)
                digest.update(data)
    return Digest(count, digest.hexdigest()[:16])


_BLANKS = bytes.maketrans(b"\t", b" ")
_MARKS = b'[](),"'


def _bare(block: list[bytes]) -> list[bytes]:
    return b"".join(block).translate(_BLANKS, _MARKS).splitlines()


def loose(out: Path) -> Digest:
    """The lines, in any order, with tuples written either way: `[1, 2]`, `1 tab 2`."""
    return _multiset(map(_bare, _blocks(out)))


def places(inputs: Iterable[Path]) -> Reader:
    """As `loose`, for an index of offsets: each becomes the number of its line."""
    numbers: dict[bytes, bytes] = {}
    for path in inputs:
        first = (10 + int(path.stem[-2:])) * 10_000_000
        offset = 0
        with open(path, "rb") as file:
            for number, line in enumerate(file):
                numbers[b"%d" % (first + offset)] = b"%d" % (first + number)
                offset += len(line)

    def numbered(block: list[bytes]) -> list[bytes]:
        found = []
        for line in _bare(block):
            word, *some = line.split(b" ")
            found.append(b" ".join([word, *map(numbers.__getitem__, some)]))
        return found

    return lambda out: _multiset(map(numbered, _blocks(out)))


def attempts(out: Path) -> Digest:
    """How many tasks were done: said by mincer's report, or by a number in a file."""
    said = json.loads(out.read_bytes())
    done = said["attempts"]["done"] if isinstance(said, dict) else said
    return Digest(int(done), "attempts done")
