"""Ten thousand tasks that do nothing, one by one, through a pool of two."""

from __future__ import annotations

import multiprocessing

from parallel import run_form


def nothing(number: int) -> int:
    return number


def tasks(paths: list[str], out: str) -> None:
    count = int(paths[0])
    with multiprocessing.get_context("fork").Pool(2) as pool:
        done = sum(1 for _ in pool.imap_unordered(nothing, range(count), chunksize=1))
    with open(out, "w") as file:
        file.write(f"{done}\n")


if __name__ == "__main__":
    run_form({"pool": tasks})
