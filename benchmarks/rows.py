"""The rows: which work, mincer against which program, and what must be reached."""

# Strategy: a row of the table has one or more races, each with its own target. The
# programs by hand are as fast as they come, also where mincer's function is called more
# often than theirs: row 3 is raced against the Counter of a block, not against the
# slower loop over a generator (which race `3-line` shows).

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.programs import (
    OUT,
    Program,
    by_hand,
    mincer,
    mincer_program,
    submitting,
)
from benchmarks.programs import with_joblib as joblib

__all__ = ["MB", "Race", "races", "said_size"]

MB = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Race:
    """Two programs on the same work. The fastest of `theirs` is who races."""

    name: str
    row: str
    title: str
    ours: Program
    theirs: tuple[Program, ...]
    #: How outputs are compared: a name in `benchmarks.digests`.
    equal: str = "lines"
    #: The most that ours ÷ theirs may be, or ours - theirs.
    ratio_max: float | None = None
    over_s_max: float | None = None
    #: The most that the process tree may take, and the largest process.
    tree_bytes_max: int | None = None
    largest_bytes_max: float | None = None
    #: A standing coordinator with two workers is there meanwhile; the most that it
    #: may take, and how much more than with a tenth of the input.
    on_cluster: bool = False
    coordinator_bytes_max: int | None = None
    coordinator_over_bytes_max: int | None = None
    tenth: Program | None = None
    #: Said in the table, below it.
    note: str = ""


def races(*, quick: bool = False) -> list[Race]:
    """All of them, in the order of the table; small ones for a quick look."""
    return [
        *_words(quick),
        *_blocks(quick),
        *_distinct(quick),
        *_sort(quick),
        *_json_and_index(quick),
        *_trivial(),
        *_small_attempts(quick),
        *_limited(quick),
        *_cluster(quick),
        *([] if quick else _growth()),
    ]


def _words(quick: bool) -> Iterator[Race]:
    for size in ["12m"] if quick else ["120m", "1g"]:
        for how, said, ratio_max in (
            ("sum", "combinefn=sum", 0.95),
            ("own", "own combinefn", 1.05),
        ):
            yield Race(
                name=f"1-{size}-{how}",
                row="1",
                title=f"words, generator a line, {said_size(size)}, {said}",
                ours=mincer(f"words.py:by_{how}", "words", size),
                theirs=(by_hand("words", "line", "words", size),),
                ratio_max=ratio_max,
            )


def _blocks(quick: bool) -> Iterator[Race]:
    for size in ["12m"] if quick else ["120m", "1g"]:
        yield Race(
            name=f"2-{size}",
            row="2",
            title=f"words, Counter of a block, {said_size(size)}",
            ours=mincer("blocks.py", "words", size, own_source=True),
            theirs=(by_hand("words", "block", "words", size),),
            ratio_max=1.05,
        )


def _distinct(quick: bool) -> Iterator[Race]:
    size = "2m" if quick else "172m"
    memory = "150MB"
    for name, form, how, said, ratio_max in (
        ("3-sum", "parts", "sum", "combinefn=sum", 0.7),
        ("3-own", "parts", "own", "own combinefn", 0.85),
        ("3-line", "parts-line", "sum", "the same mapfn by hand", 0.7),
    ):
        yield Race(
            name=name,
            row="3",
            title=f"5.9 M distinct words, sorted parts, {said}",
            ours=mincer(
                f"words.py:sorted_by_{how}", "distinct", size, "--memory", memory
            ),
            theirs=(by_hand("words", form, "distinct", size),),
            # Two of five million words are `true` and `null`, which tsv quotes.
            equal="loose",
            ratio_max=ratio_max,
            tree_bytes_max=300 * MB,
            note=f"mincer with --memory {memory}, a bound of each child.",
        )


def _sort(quick: bool) -> Iterator[Race]:
    size = "10m" if quick else "1g"
    yield Race(
        name="4",
        row="4",
        title=f"sort {said_size(size)} of records, total order",
        ours=mincer("sort.py", "records", size, "--format", "lines"),
        theirs=(by_hand("sort", "hand", "records", size),),
        equal="ordered",
        ratio_max=1.2,
        tree_bytes_max=250 * MB,
        note="mincer without --memory; with it: 8-data.",
    )


def _json_and_index(quick: bool) -> Iterator[Race]:
    size = "100k" if quick else "2m"
    yield Race(
        name="5-group",
        row="5",
        title=f"group {size.replace('m', ' M')} JSON lines",
        ours=mincer("group.py", "json", size, own_source=True),
        theirs=(
            by_hand("group", "hand", "json", size),
            by_hand("group", "plain", "json", size, "plain, one process"),
            joblib("group", "json", size),
        ),
        equal="loose",
        ratio_max=1.0,
    )
    size = "1m" if quick else "120m"
    yield Race(
        name="5-index",
        row="5",
        title=f"inverted index, {said_size(size)}",
        ours=mincer("index.py", "words", size, own_source=True),
        theirs=(
            by_hand("index", "hand", "words", size),
            by_hand("index", "parent", "words", size, "by hand, merged in the parent"),
            by_hand("index", "plain", "words", size, "plain, one process"),
            joblib("index", "words", size),
        ),
        equal="places",
        ratio_max=1.0,
        note="mincer knows a line by its offset, the others by its number: compared "
        "after the one is turned into the other.",
    )


def _trivial() -> Iterator[Race]:
    yield Race(
        name="6",
        row="6",
        title="trivial job, command to exit",
        ours=mincer("words.py:by_sum", "tiny", "5"),
        theirs=(by_hand("words", "block", "tiny", "5", "two bare processes"),),
        ratio_max=3.0,
    )


def _small_attempts(quick: bool) -> Iterator[Race]:
    count = "1000" if quick else "10000"
    yield Race(
        name="7-attempts",
        row="7",
        title=f"{count} splits of one record, each an attempt",
        ours=Program(
            "mincer",
            (
                *(mincer_program(), "run", "benchmarks/jobs/tasks.py"),
                *("-w", "2", "-q", "--report", OUT),
            ),
            told=count,
        ),
        theirs=(
            Program(
                "Pool.imap_unordered",
                (sys.executable, "benchmarks/byhand/tasks.py", "pool", OUT, count),
            ),
        ),
        equal="attempts",
        ratio_max=1.5,
    )

    def items(number: str, label: str) -> Program:
        file = "benchmarks/jobs/items.py"
        return Program(label, (sys.executable, file, OUT, number))

    yield Race(
        name="7-items",
        row="7",
        title="100 k items in batches, over start-up",
        ours=items("100000", "mincer"),
        theirs=(items("1", "mincer, one item"),),
        over_s_max=0.3,
    )


def _limited(quick: bool) -> Iterator[Race]:
    size, limit = ("10m", "64MB") if quick else ("1g", "100MB")
    limit_bytes = int(limit.removesuffix("MB")) * MB
    for name, job, said, more in (
        ("8-data", "sort.py", "data of 10 × --memory, sorted", ("--format", "lines")),
        ("8-one-key", "one_key.py", "one key of 10 × --memory", ()),
    ):
        yield Race(
            name=name,
            row="8",
            title=said,
            ours=mincer(job, "records", size, *more, "--memory", limit),
            theirs=(mincer(job, "records", size, *more, label="mincer, no --memory"),),
            equal="ordered" if more else "lines",
            ratio_max=1.5,
            largest_bytes_max=1.1 * limit_bytes,
            note=f"mincer with --memory {limit} against itself without.",
        )


def _cluster(quick: bool) -> Iterator[Race]:
    sort_size, tenth = ("10m", "1m") if quick else ("1g", "100m")
    for name, job, kind, size, said in (
        ("words", "words.py:by_sum", "words", "12m" if quick else "120m", "words"),
        ("json", "group.py", "json", "100k" if quick else "2m", "group JSON lines"),
        ("sort", "sort.py", "records", sort_size, "sort records"),
    ):
        is_sort = name == "sort"
        lines = size.replace("m", " M").replace("k", " k") + " lines"
        much = lines if kind == "json" else said_size(size)
        yield Race(
            name=f"9-{name}",
            row="9",
            title=f"{said}, {much}, on a cluster",
            ours=submitting("cluster", job, kind, size),
            theirs=(submitting("local", job, kind, size),),
            equal="ordered" if is_sort else "loose" if kind == "json" else "lines",
            ratio_max=1.25,
            on_cluster=True,
            coordinator_bytes_max=100 * MB if is_sort else None,
            coordinator_over_bytes_max=20 * MB if is_sort else None,
            tenth=submitting("cluster", job, kind, tenth) if is_sort else None,
            note="From submission to the last byte, workers there already on both "
            "sides, 0 bytes read from files of other workers. What stands there idle "
            "is in the memory of both.",
        )


def _growth() -> Iterator[Race]:
    for size in ("1m", "12m"):
        yield Race(
            name=f"growth-{size}",
            row="growth",
            title=f"words, generator a line, {said_size(size)}, combinefn=sum",
            ours=mincer("words.py:by_sum", "words", size),
            theirs=(by_hand("words", "line", "words", size),),
        )


def said_size(size: str) -> str:
    """`120 MB` of `120m`."""
    return size.replace("m", " MB").replace("g", " GB")
