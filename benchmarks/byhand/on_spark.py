"""By hand for Spark: words and JSON records, several ways each.

files     a task a file, which it reads itself into a dict; reduceByKey over the dicts
driver    the same, merged in the driver
few       the same with few tasks: Spark takes 25 to 50 ms for each
text      textFile, whose lines Java hands over; a dict a partition; reduceByKey
classic   textFile, flatMap, reduceByKey: as the books have it

Tried, and slower: treeReduce over the dicts, aggregateByKey, more partitions; two or
eight tasks instead of four.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import engine_work as work

Lines = Iterator[str]

TASKS_FEW = 4


def reduced(pairs: Any, together: Callable[[Any, Any], Any]) -> Any:
    return pairs.reduceByKey(together, work.PARTS).collect()


def of_file(function: Callable[[str], dict[str, Any]]) -> Callable[[str], Any]:
    return lambda path: function(path).items()


def of_lines(function: Callable[[Lines], dict[str, Any]]) -> Callable[[Lines], Any]:
    return lambda lines: function(lines).items()


def as_one(function: Callable[[Any], dict[str, Any]]) -> Callable[[Any], Any]:
    return lambda given: [function(given)]


def files(context: Any, paths: list[str]) -> Any:
    return context.parallelize(paths, len(paths))


def text(context: Any, paths: list[str]) -> Any:
    return context.textFile(str(Path(paths[0]).parent), len(paths))


def words_by_files(context: Any, paths: list[str], out: str) -> None:
    pairs = files(context, paths).flatMap(of_file(work.count_file))
    work.write_words(out, reduced(pairs, work.add))


def words_by_driver(context: Any, paths: list[str], out: str) -> None:
    dicts = files(context, paths).map(work.count_file).collect()
    work.write_words(out, work.merged(dicts, work.add).items())


def few(context: Any, paths: list[str]) -> Any:
    return context.parallelize(paths, TASKS_FEW)


def words_by_few(context: Any, paths: list[str], out: str) -> None:
    dicts = few(context, paths).mapPartitions(as_one(work.count_files)).collect()
    work.write_words(out, work.merged(dicts, work.add).items())


def words_by_text(context: Any, paths: list[str], out: str) -> None:
    pairs = text(context, paths).mapPartitions(of_lines(work.count_lines))
    work.write_words(out, reduced(pairs, work.add))


def words_classic(context: Any, paths: list[str], out: str) -> None:
    pairs = text(context, paths).flatMap(lambda line: work.map_words(0, line))
    work.write_words(out, reduced(pairs, work.add))


def groups_by_files(context: Any, paths: list[str], out: str) -> None:
    pairs = files(context, paths).flatMap(of_file(work.group_file))
    work.write_groups(out, reduced(pairs, work.join))


def groups_by_driver(context: Any, paths: list[str], out: str) -> None:
    dicts = files(context, paths).map(work.group_file).collect()
    work.write_groups(out, work.merged(dicts, work.join).items())


def groups_by_few(context: Any, paths: list[str], out: str) -> None:
    dicts = few(context, paths).mapPartitions(as_one(work.group_files)).collect()
    work.write_groups(out, work.merged(dicts, work.join).items())


def groups_classic(context: Any, paths: list[str], out: str) -> None:
    pairs = text(context, paths).flatMap(
        lambda line: [
            (user, (a, 1, a)) for user, a in work.map_record(0, json.loads(line))
        ]
    )
    work.write_groups(out, reduced(pairs, work.join))


FORMS = {
    "words": {
        "files": words_by_files,
        "driver": words_by_driver,
        "few": words_by_few,
        "text": words_by_text,
        "classic": words_classic,
    },
    "json": {
        "files": groups_by_files,
        "driver": groups_by_driver,
        "few": groups_by_few,
        "classic": groups_classic,
    },
}
