"""Inputs made of seeds: the same bytes on every machine, kept for the next time."""

import gzip
import json
import os
import random
import sysconfig
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "build" / "exact-inputs"


def made(name, scale, make):
    """The path of an input of this scale; `make(file, scale)` writes it once."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / f"{scale:g}-{name}"
    if not path.exists():
        aside = path.with_name(f"{path.name}.{os.getpid()}")
        opened = gzip.open if name.endswith(".gz") else open
        with opened(aside, "wb") as file:
            make(file, scale)
        aside.rename(path)
    return str(path)


def library():
    """The standard library's own sources."""
    folder = Path(sysconfig.get_path("stdlib"))
    installed = {"site-packages", "dist-packages"}
    return [
        str(path)
        for path in sorted(folder.rglob("*.py"))
        if path.is_file() and installed.isdisjoint(path.relative_to(folder).parts)
    ]


LETTERS = "etaoinshrdlcu"


def word(n):
    text = LETTERS[n % 13]
    while n := n // 13:
        text += LETTERS[n % 13]
    return text


def many_words(file, scale):
    """200 MB, 5 M distinct words: each once, and the small ones again and again."""
    rng = random.Random(20240601)
    distinct = int(5_000_000 * scale)
    again = int(37_000_000 * scale)
    line = []
    for n in range(distinct + again):
        if n * distinct % (distinct + again) < distinct:
            # A prime times a number runs through all words, in no order.
            once = n * distinct // (distinct + again)
            line.append(word(once * 4_000_037 % distinct))
        else:
            line.append(word(int(distinct * rng.random() ** 4)))
        if len(line) == 12:
            file.write(" ".join(line).encode() + b"\n")
            line = []
    file.write(" ".join(line).encode() + b"\n")


def records(file, scale):
    """1 GB: ten million records of 100 bytes, keys of ten printable characters."""
    rng = random.Random(7)
    printable = bytes(33 + n % 94 for n in range(256))
    rest = b"." * 78
    for start in range(0, int(10_000_000 * scale), 10_000):
        keys = rng.randbytes(100_000).translate(printable)
        file.writelines(
            b"%b %010d%b\n" % (keys[10 * n : 10 * n + 10], start + n, rest)
            for n in range(10_000)
        )


def starts(file, scale):
    """Each line stands for ten thousand values: 20 M in all."""
    for n in range(int(2000 * scale)):
        file.write(b"%d\n" % (n * 10_000))


def json_lines(file, scale):
    rng = random.Random(11)
    for _ in range(int(1_000_000 * scale)):
        record = {
            "user": f"u{rng.randrange(100_000):06d}",
            "amount": rng.randrange(1, 10**5),
        }
        file.write(json.dumps(record).encode() + b"\n")


def prose(file, scale):
    """20 MB of lines, some with endings of two bytes and letters of more."""
    rng = random.Random(13)
    for n in range(int(400_000 * scale)):
        some = [word(int(20_000 * rng.random() ** 3)) for _ in range(10)]
        if not n % 50:
            some.append("Ünïcödé")
        file.write(" ".join(some).encode() + (b"\r\n" if n % 7 else b"\n"))
