"""By hand for Dask: words and JSON records, several ways each.

client    client.map over the files, a dict each; one task merges them
few       the same with four tasks, for some files each
parts     the same, cut into parts, which as many tasks merge
bag       read_text and foldby: as the documentation has it

Dicts travel pickled: Dask looks into those that it is given, item by item, which takes
5 s of 120 MB of words.

Tried, and slower: bag.frequencies, merging two by two, dicts as they are.
"""

from __future__ import annotations

import json
import operator
import pickle
from collections.abc import Callable
from typing import Any

import engine_work as work


def as_one(client: Any, paths: list[Any], function: Any, together: Any) -> Any:
    made = client.map(packed(function), paths, pure=False)
    whole = client.submit(merge, made, together, pure=False).result()
    return pickle.loads(whole).items()


def packed(function: Callable[[Any], dict[str, Any]]) -> Callable[[Any], bytes]:
    return lambda path: pickle.dumps(function(path))


def merge(some: list[bytes], together: Any) -> bytes:
    return pickle.dumps(work.merged(map(pickle.loads, some), together))


def in_parts(client: Any, paths: list[str], function: Any, together: Any) -> Any:
    made = client.map(cutter(function), paths, pure=False)
    parts = []
    for part in range(work.PARTS):
        some = [client.submit(operator.getitem, one, part, pure=False) for one in made]
        parts.append(client.submit(merge, some, together, pure=False))
    return [pair for one in client.gather(parts) for pair in pickle.loads(one).items()]


def cutter(function: Callable[[str], dict[str, Any]]) -> Callable[[str], Any]:
    return lambda path: [pickle.dumps(part) for part in work.cut(function(path))]


def words_as_one(client: Any, paths: list[str], out: str) -> None:
    work.write_words(out, as_one(client, paths, work.count_file, work.add))


def words_by_few(client: Any, paths: list[str], out: str) -> None:
    found = as_one(client, work.dealt(paths), work.count_files, work.add)
    work.write_words(out, found)


def words_in_parts(client: Any, paths: list[str], out: str) -> None:
    work.write_words(out, in_parts(client, paths, work.count_file, work.add))


def words_by_bag(client: Any, paths: list[str], out: str) -> None:
    from dask import bag

    pairs = bag.read_text(paths).map(lambda line: list(work.map_words(0, line)))
    folded = pairs.flatten().foldby(
        operator.itemgetter(0), lambda n, pair: n + pair[1], 0, work.add, 0
    )
    work.write_words(out, client.compute(folded).result())


def groups_as_one(client: Any, paths: list[str], out: str) -> None:
    work.write_groups(out, as_one(client, paths, work.group_file, work.join))


def groups_by_few(client: Any, paths: list[str], out: str) -> None:
    found = as_one(client, work.dealt(paths), work.group_files, work.join)
    work.write_groups(out, found)


def groups_in_parts(client: Any, paths: list[str], out: str) -> None:
    work.write_groups(out, in_parts(client, paths, work.group_file, work.join))


def groups_by_bag(client: Any, paths: list[str], out: str) -> None:
    from dask import bag

    def pairs_of(line: str) -> list[tuple[str, int]]:
        return list(work.map_record(0, json.loads(line)))

    nothing = (0, 0, 0)
    folded = (
        bag.read_text(paths)
        .map(pairs_of)
        .flatten()
        .foldby(
            operator.itemgetter(0),
            lambda e, pair: work.join(e, (pair[1], 1, pair[1])),
            nothing,
            work.join,
            nothing,
        )
    )
    work.write_groups(out, client.compute(folded).result())


FORMS = {
    "words": {
        "client": words_as_one,
        "few": words_by_few,
        "parts": words_in_parts,
        "bag": words_by_bag,
    },
    "json": {
        "client": groups_as_one,
        "few": groups_by_few,
        "parts": groups_in_parts,
        "bag": groups_by_bag,
    },
}
