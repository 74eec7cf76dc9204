"""By hand for Ray: words and JSON records, several ways each.

driver    a task a file, a dict each; the driver merges them as they come
few       the same with four tasks, for some files each
parts     the same, cut into parts as objects of their own, which tasks merge

Tried, and slower: ray.data (read_text, flat_map, groupby) by ten times.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import engine_work as work


def by_driver(ray: Any, paths: list[Any], function: Any, together: Any) -> Any:
    remote = ray.remote(function)
    waiting = [remote.remote(path) for path in paths]
    total: dict[str, Any] = {}
    while waiting:
        (one,), waiting = ray.wait(waiting)
        total = work.merged([total, ray.get(one)], together)
    return total.items()


def in_parts(ray: Any, paths: list[str], function: Any, together: Any) -> Any:
    cutting = ray.remote(cutter(function)).options(num_returns=work.PARTS)
    made = [cutting.remote(path) for path in paths]

    @ray.remote
    def merge(*some: dict[str, Any]) -> dict[str, Any]:
        return dict(work.merged(some, together))

    parts = [merge.remote(*[one[n] for one in made]) for n in range(work.PARTS)]
    return [pair for one in ray.get(parts) for pair in one.items()]


def cutter(function: Callable[[str], dict[str, Any]]) -> Callable[[str], Any]:
    return lambda path: work.cut(function(path))


def words_by_driver(ray: Any, paths: list[str], out: str) -> None:
    work.write_words(out, by_driver(ray, paths, work.count_file, work.add))


def words_by_few(ray: Any, paths: list[str], out: str) -> None:
    found = by_driver(ray, work.dealt(paths), work.count_files, work.add)
    work.write_words(out, found)


def words_in_parts(ray: Any, paths: list[str], out: str) -> None:
    work.write_words(out, in_parts(ray, paths, work.count_file, work.add))


def groups_by_driver(ray: Any, paths: list[str], out: str) -> None:
    work.write_groups(out, by_driver(ray, paths, work.group_file, work.join))


def groups_by_few(ray: Any, paths: list[str], out: str) -> None:
    found = by_driver(ray, work.dealt(paths), work.group_files, work.join)
    work.write_groups(out, found)


def groups_in_parts(ray: Any, paths: list[str], out: str) -> None:
    work.write_groups(out, in_parts(ray, paths, work.group_file, work.join))


FORMS = {
    "words": {
        "driver": words_by_driver,
        "few": words_by_few,
        "parts": words_in_parts,
    },
    "json": {
        "driver": groups_by_driver,
        "few": groups_by_few,
        "parts": groups_in_parts,
    },
}
