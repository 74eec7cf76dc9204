"""polars: the streaming engine on two threads; it calls no Python function."""

import os

from benchmarks.peers import work
from benchmarks.peers.command import main

os.environ["POLARS_MAX_THREADS"] = str(work.WORKERS)

import polars as pl  # after the setting, which it reads once


def text(inputs: list[str]) -> pl.LazyFrame:
    """The lines of the files, in the column `line`."""
    return pl.scan_csv(
        inputs,
        has_header=False,
        separator="\x01",
        quote_char=None,
        schema={"line": pl.String},
    )


def write(query: pl.LazyFrame, out: str) -> None:
    """Run the query and write its columns between tabs."""
    query.sink_csv(
        out,
        include_header=False,
        separator="\t",
        quote_style="never",
        engine="streaming",
    )


def words(out: str, inputs: list[str]) -> None:
    """Count words."""
    word = pl.col("line").str.to_lowercase().str.split(" ").explode().alias("word")
    found = text(inputs).select(word).filter(pl.col("word") != "")
    write(found.group_by("word").len(), out)


def group(out: str, inputs: list[str]) -> None:
    """Group JSON lines."""
    records = pl.scan_ndjson(inputs, schema={"user_id": pl.String, "amount": pl.Int64})
    amount = pl.col("amount")
    groups = records.group_by("user_id").agg(
        amount.sum().alias("total"), pl.len(), amount.max().alias("largest")
    )
    write(groups, out)


def index(out: str, inputs: list[str]) -> None:
    """Index the words of all lines."""
    numbered = pl.concat(
        [
            text([path]).with_row_index("id", offset=work.first_place(path))
            for path in inputs
        ]
    )
    word = pl.col("line").str.to_lowercase().str.split(" ").alias("word")
    found = numbered.select(word, "id").explode("word").filter(pl.col("word") != "")
    ids = pl.col("id").unique().sort().cast(pl.String).str.join(" ")
    write(found.group_by("word").agg(ids), out)


def sort(out: str, inputs: list[str]) -> None:
    """Sort records into one total order."""
    write(text(inputs).sort("line"), out)


if __name__ == "__main__":
    main(
        {
            "tiny": words,
            "words": words,
            "distinct": words,
            "group": group,
            "index": index,
            "sort": sort,
        }
    )
