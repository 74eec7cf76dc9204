"""pyspark: RDDs with Python functions, in local[2].

Tried on the words: `textFile` instead of reading in the functions, and
`flatMap(words).reduceByKey(add)` instead of one dict a partition.
"""

import os
import shutil
import sys
from collections.abc import Iterable, Iterator
from functools import partial
from operator import add
from pathlib import Path
from typing import Any

from pyspark import SparkConf, SparkContext

from benchmarks.peers import work
from benchmarks.peers.command import main

QUIET = Path(__file__).resolve().with_name("log4j2.properties")
#: The Java side only passes bytes on: the quick compiler and a collector without
#: threads took 0.6 x the time of the defaults on small inputs.
JAVA = (
    "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -XX:-UsePerfData"
    f" -Dlog4j2.configurationFile={QUIET.as_uri()}"
)
SETTINGS = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.driver.extraJavaOptions": JAVA,
    "spark.driver.memory": "6g",
    "spark.driver.maxResultSize": "0",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.shuffle.compress": "false",
}


def write_part(
    folder: Path, text: Any, number: int, items: Iterable[Any]
) -> Iterator[int]:
    """Write one part of the output, in the process that has it."""
    work.write_text(work.part_path(folder, number), text(items))
    yield number


def save(rdd: Any, out: str, text: Any) -> None:
    """Write every partition as a part."""
    folder = Path(out)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    rdd.mapPartitionsWithIndex(partial(write_part, folder, text)).count()


def files(spark: SparkContext, inputs: list[str]) -> Any:
    """One partition for each file."""
    return spark.parallelize(inputs, len(inputs))


def words(spark: SparkContext, parts: int, out: str, inputs: list[str]) -> None:
    """Count words, line by line."""
    folds = files(spark, inputs).mapPartitions(
        lambda paths: work.fold_words(work.text_lines(paths)).items()
    )
    counts = folds.reduceByKey(add, parts)
    save(counts, out, work.words_text)


def words_blocks(spark: SparkContext, out: str, inputs: list[str]) -> None:
    """Count words, block by block."""
    folds = files(spark, inputs).flatMap(
        lambda path: work.fold_blocks(work.blocks(path)).items()
    )
    counts = folds.reduceByKey(add, work.WORKERS)
    save(counts, out, work.words_text)


def group(spark: SparkContext, out: str, inputs: list[str]) -> None:
    """Group JSON lines."""
    folds = files(spark, inputs).mapPartitions(
        lambda paths: work.fold_groups(work.text_lines(paths)).items()
    )
    groups = folds.reduceByKey(
        lambda a, b: (a[0] + b[0], a[1] + b[1], max(a[2], b[2])), work.WORKERS
    )
    save(groups, out, lambda items: work.groups_text(dict(items)))


def index(spark: SparkContext, out: str, inputs: list[str]) -> None:
    """Index the words of all lines."""
    lists = files(spark, inputs).flatMap(lambda path: work.fold_index(path).items())
    # The lists of the files in any order: each is ascending, so their heads decide.
    whole = lists.groupByKey(work.PARTS).mapValues(
        lambda found: [place for places in sorted(found) for place in places]
    )
    save(whole, out, lambda items: "".join([work.index_line(*item) for item in items]))


def sort(spark: SparkContext, out: str, inputs: list[str]) -> None:
    """Sort records into one total order."""
    pairs = files(spark, inputs).flatMap(
        lambda path: (
            pair
            for number, line in enumerate(work.text_lines([path]))
            for pair in work.keyed(number, line)
        )
    )
    ordered = pairs.sortByKey(numPartitions=work.PARTS)
    save(ordered.values(), out, "".join)


def run() -> None:
    """Run the command line in a Spark of its own."""
    os.environ["PYSPARK_PYTHON"] = sys.executable
    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    settings = SparkConf().setMaster(f"local[{work.WORKERS}]").setAppName("benchmark")
    settings.setAll(list(SETTINGS.items()))
    spark = SparkContext(conf=settings)
    try:
        main(
            {
                "tiny": partial(words, spark, work.WORKERS),
                "words": partial(words, spark, work.WORKERS),
                "words_blocks": partial(words_blocks, spark),
                "distinct": partial(words, spark, work.PARTS),
                "group": partial(group, spark),
                "index": partial(index, spark),
                "sort": partial(sort, spark),
            }
        )
    finally:
        spark.stop()


if __name__ == "__main__":
    run()
