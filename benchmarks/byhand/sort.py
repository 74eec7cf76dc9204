"""Sort 100-byte records by hand into part files whose sequence is in total order.

Two processes: a sample gives the cut points, each record goes to the file of its
range, each file is sorted. plain: one process, one list.
"""

from __future__ import annotations

import os
import random
from bisect import bisect_right
from collections.abc import Iterable

from parallel import PROCESSES, emptied, fan, run_form

RECORD_BYTES = 100
KEY_BYTES = 10
PARTS = 16


def cut_points(paths: list[str], sampled_per_file: int = 2000) -> list[bytes]:
    rng, keys = random.Random(1), []
    for path in paths:
        records = os.path.getsize(path) // RECORD_BYTES
        with open(path, "rb") as file:
            for i in rng.sample(range(records), min(sampled_per_file, records)):
                file.seek(i * RECORD_BYTES)
                keys.append(file.read(KEY_BYTES))
    keys.sort()
    return [keys[len(keys) * part // PARTS] for part in range(1, PARTS)]


def deal(paths: Iterable[str], number: int, folder: str, cuts: list[bytes]) -> None:
    files = [
        open(f"{folder}/map{number}-{part:02d}", "wb", 1 << 18)  # noqa: SIM115
        for part in range(len(cuts) + 1)
    ]
    writes, b = [file.write for file in files], bisect_right
    for path in paths:
        with open(path, "rb") as file:
            for record in file:
                writes[b(cuts, record)](record)
    for file in files:
        file.close()


def sort_parts(parts: Iterable[int], number: int, folder: str, out: str) -> None:
    for part in parts:
        records = []
        for mapped in range(PROCESSES):
            with open(f"{folder}/map{mapped}-{part:02d}", "rb") as file:
                records += file.readlines()
            os.remove(f"{folder}/map{mapped}-{part:02d}")
        records.sort()
        with open(f"{out}/part-{part:02d}", "wb") as file:
            file.writelines(records)


def two_processes(paths: list[str], out: str) -> None:
    emptied(out)
    folder = emptied(out + ".aside")
    fan(deal, paths, folder, cut_points(paths))
    fan(sort_parts, list(range(PARTS)), folder, out)
    os.rmdir(folder)


def plain(paths: list[str], out: str) -> None:
    records = []
    for path in paths:
        with open(path, "rb") as file:
            records += file.readlines()
    records.sort()
    with open(f"{emptied(out)}/part-00", "wb") as file:
        file.writelines(records)


if __name__ == "__main__":
    run_form({"hand": two_processes, "plain": plain})
