"""The inputs: the same bytes from the same seed, made when first asked for."""

# Strategy: 16 part files each, so that a program by hand can share out whole files
# among two processes. A part has its own seed, so parts are made side by side. In plain
# Python: fast enough (a second or few per 100 MB), and nothing to install.
#
# The words are like those of a novel: 32 thousand distinct ones, of which the n-th
# occurs about 1/n as often as the first, eleven to a line, some with a comma or a full
# stop, some with a capital. A part repeats its first 62.5 or 750 kB with the lines in
# another order: to a program that counts words that is as good as new text.

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from itertools import accumulate, product
from pathlib import Path

__all__ = ["FOLDER", "KINDS", "parts", "size_bytes", "write_part"]

FOLDER = Path("build") / "bench-inputs"
#: To be raised when the same seed gives other bytes: old files are not used then.
VERSION = 1
PARTS = 16

_LETTERS = "etaoinshrdlcumwfgypbvk"
_DISTINCT_WORDS = 32_000


@cache
def _vocabulary() -> tuple[list[str], list[float]]:
    """Words from the commonest on, and how often they come, summed up."""
    rng = random.Random("vocabulary")
    found: dict[str, None] = {}
    while len(found) < _DISTINCT_WORDS:
        length = 1 + int(len(found).bit_length() / 3 + rng.random() * 2)
        word = "".join(rng.choices(_LETTERS, k=length))
        if len(found) > 40 and rng.random() < 0.3:
            word += rng.choice(",,,.;")
        found[word] = None
    return list(found), list(accumulate(1 / (rank + 3) for rank in range(len(found))))


def _novel(rng: random.Random, size_bytes: int) -> list[str]:
    """Lines of about `size_bytes` in all."""
    words, weights = _vocabulary()
    lines: list[str] = []
    left = size_bytes
    while left > 0:
        line = rng.choices(words, cum_weights=weights, k=rng.randint(8, 14))
        if rng.random() < 0.5:
            at = rng.randrange(len(line))
            line[at] = line[at].capitalize()
        lines.append(" ".join(line) + "\n")
        left -= len(lines[-1])
    return lines


def _words(part: int, size_bytes: int) -> Iterator[str]:
    rng = random.Random(f"words {part}")
    lines = _novel(rng, min(size_bytes, 750_000))
    left = size_bytes
    while left > 0:
        text = "".join(lines)
        if len(text) > left:
            text = text[: text.rindex("\n", 0, left) + 1] if "\n" in text[:left] else ""
            left = 0
        left -= len(text)
        yield text
        rng.shuffle(lines)


def _distinct(part: int, tokens: int) -> Iterator[str]:
    """Words of which most are rare: rank r comes with r to the power of -0.93."""
    rng = random.Random(f"distinct {part}")
    ends = [
        a + b + c + _ALPHABET[number % 23]
        for number, (c, b, a) in enumerate(product(_ALPHABET, repeat=3))
    ]
    size = len(ends)
    ranks, power = 16_000_000.0, 0.07
    span, back = ranks**power - 1, 1 / power
    draw = rng.random
    for _ in range(tokens // 1200):
        line = []
        for _ in range(1200):
            high, low = divmod(int((1 + span * draw()) ** back), size)
            # A prime apart, so that neighbours in rank do not look alike.
            line.append(ends[low * 7919 % size] + (_NUMERALS[high] if high else ""))
        for at in range(0, 1200, 12):
            yield " ".join(line[at : at + 12]) + "\n"


_ALPHABET = "abcdefghijklmnopqrstuvwxyz"
_NUMERALS = [a + b + c for c, b, a in product("abc", _ALPHABET, _ALPHABET)]


def _records(part: int, records: int) -> Iterator[str]:
    """100 bytes: a key of ten printable characters, a number, and dots."""
    rng = random.Random(f"records {part}")
    printable = bytes(33 + n % 94 for n in range(256))
    rest = "." * 78 + "\n"
    for start in range(0, records, 1000):
        count = min(1000, records - start)
        keys = rng.randbytes(10 * count).translate(printable).decode("ascii")
        first = part * records + start
        yield "".join(
            [
                f"{keys[10 * n : 10 * n + 10]} {first + n:010d}{rest}"
                for n in range(count)
            ]
        )


def _json(part: int, records: int) -> Iterator[str]:
    rng = random.Random(f"json {part}")
    for _ in range(records):
        user, amount = rng.randrange(200_000), rng.randrange(1, 100_000)
        yield f'{{"user_id": "u{user:06d}", "amount": {amount}}}\n'


def _tiny(part: int, lines: int) -> Iterator[str]:
    yield from _novel(random.Random("tiny"), 70 * lines)


#: kind → size → what makes a part of it.
KINDS: dict[str, dict[str, Callable[[int], Iterator[str]]]] = {
    "words": {
        "1m": partial(_words, size_bytes=62_500),
        "12m": partial(_words, size_bytes=750_000),
        "120m": partial(_words, size_bytes=7_500_000),
        "1g": partial(_words, size_bytes=62_500_000),
    },
    "distinct": {
        "2m": partial(_distinct, tokens=20_400),
        "172m": partial(_distinct, tokens=1_657_200),
    },
    "records": {
        "1m": partial(_records, records=625),
        "10m": partial(_records, records=6_250),
        "100m": partial(_records, records=62_500),
        "1g": partial(_records, records=625_000),
    },
    "json": {
        "100k": partial(_json, records=6_250),
        "2m": partial(_json, records=125_000),
    },
    "tiny": {"5": partial(_tiny, lines=5)},
}


def parts(kind: str, size: str) -> list[Path]:
    """The part files of an input, made now if they are not there."""
    folder = FOLDER / f"v{VERSION}" / f"{kind}-{size}"
    count = 1 if kind == "tiny" else PARTS
    paths = [folder / f"part-{part:02d}.txt" for part in range(count)]
    if not folder.exists():
        aside = folder.with_name(f"{folder.name}.{os.getpid()}")
        aside.mkdir(parents=True)
        try:
            with ProcessPoolExecutor() as pool:
                for done in [
                    pool.submit(write_part, aside / path.name, kind, size, part)
                    for part, path in enumerate(paths)
                ]:
                    done.result()
            aside.rename(folder)
        finally:
            shutil.rmtree(aside, ignore_errors=True)
    return paths


def size_bytes(size: str) -> int:
    """About what "120m" and "1g" stand for."""
    return int(size[:-1]) * {"m": 10**6, "g": 10**9}[size[-1]]


def write_part(path: Path, kind: str, size: str, part: int) -> None:
    with open(path, "w", encoding="ascii", newline="\n") as file:
        file.writelines(KINDS[kind][size](part))
