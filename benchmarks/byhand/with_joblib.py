"""The same programs with joblib: one call a file, merged in the parent.

group, index: the loops of group.py and index.py, given to two processes by joblib.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import group
import index
from joblib import Parallel, delayed
from parallel import PROCESSES, run_form


def shared_out(work: Callable[[list[str]], Any], paths: list[str]) -> list[Any]:
    found: list[Any] = Parallel(n_jobs=PROCESSES)(
        delayed(work)([path]) for path in paths
    )
    return found


def grouped(paths: list[str], out: str) -> None:
    group.write(out, group.merged(shared_out(group.group, paths)))


def indexed(paths: list[str], out: str) -> None:
    places: index.Index = {}
    for some in shared_out(index.index, paths):
        for word, found in some.items():
            places.setdefault(word, []).extend(found)
    # One file after the other, so each list is in order already.
    index.write(out, places)


if __name__ == "__main__":
    run_form({"group": grouped, "index": indexed})
