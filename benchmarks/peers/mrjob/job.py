"""The workloads as a job of mrjob, each a step by the name of the workload.

mrjob starts this file by its path for every task of a run.
"""

from collections.abc import Iterable, Iterator

from mrjob.job import MRJob
from mrjob.protocol import RawProtocol
from mrjob.step import MRStep

from benchmarks.peers import work

#: What mrjob's raw protocol takes: the halves of a line, at the first tab.
Line = tuple[str, str | None]


class Workload(MRJob):
    """Folds a whole file in a mapper (`mapper_raw`) and the rest in a reducer."""

    INTERNAL_PROTOCOL = RawProtocol
    OUTPUT_PROTOCOL = RawProtocol

    def configure_args(self) -> None:
        """Add the name of the workload, which mrjob hands on to its tasks."""
        super().configure_args()
        self.add_passthru_arg("--workload")

    def steps(self) -> list[MRStep]:
        """The one step of the workload."""
        mapper, reducer = {
            "words": (self.map_words, self.reduce_words),
            "words_blocks": (self.map_blocks, self.reduce_words),
            "group": (self.map_group, self.reduce_group),
            "index": (self.map_index, self.reduce_index),
            "sort": (self.map_sort, self.reduce_sort),
        }[self.options.workload]
        return [MRStep(mapper_raw=mapper, reducer=reducer)]

    def map_words(self, path: str, uri: str) -> Iterator[Line]:
        """Count the words of a file, line by line."""
        for word, count in work.fold_words(work.text_lines([path])).items():
            yield word, str(count)

    def map_blocks(self, path: str, uri: str) -> Iterator[Line]:
        """Count the words of a file, block by block."""
        for word, count in work.fold_blocks(work.blocks(path)).items():
            yield word, str(count)

    def reduce_words(self, word: str, counts: Iterable[str]) -> Iterator[Line]:
        """Add up the counts of a word."""
        yield word, str(sum(map(int, counts)))

    def map_group(self, path: str, uri: str) -> Iterator[Line]:
        """Group the JSON lines of a file."""
        for user, group in work.fold_groups(work.text_lines([path])).items():
            yield user, " ".join(map(str, group))

    def reduce_group(self, user: str, groups: Iterable[str]) -> Iterator[Line]:
        """Sum, count and maximum over the files."""
        rows = [list(map(int, group.split())) for group in groups]
        totals, counts, largest = zip(*rows, strict=True)
        yield user, f"{sum(totals)}\t{sum(counts)}\t{max(largest)}"

    def map_index(self, path: str, uri: str) -> Iterator[Line]:
        """Index a file; the places are of its own name, not of the task's copy."""
        for word, places in work.fold_index(path, uri).items():
            yield word, " ".join(map(str, places))

    def reduce_index(self, word: str, lists: Iterable[str]) -> Iterator[Line]:
        """Append the lists, which sort as text."""
        yield word, " ".join(sorted(lists))

    def map_sort(self, path: str, uri: str) -> Iterator[Line]:
        """The records by key; the program `sort` that mrjob calls does the work."""
        for number, line in enumerate(work.text_lines([path])):
            yield from work.keyed(number, line.rstrip("\n"))

    def reduce_sort(self, key: str, records: Iterable[str]) -> Iterator[Line]:
        """The records as they come."""
        for record in records:
            yield record, None


if __name__ == "__main__":
    Workload.run()
