"""Cases of the runner suite: the shapes of jobs, from word count to chains of them."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from itertools import count
from pathlib import Path
from typing import Any

import pytest

import mincer
from mincer.errors import CancelledError, UsageError
from mincer.runners.base import Progress, Runner
from mincer.sources import output
from mincer.testing import jobs
from mincer.testing.digests import digest
from mincer.testing.runner_base import Run, RunnerCases, texts

__all__ = ["ShapeCases"]

TEXTS = {
    "a.txt": "the quick brown fox\njumps over the lazy dog\n",
    "b.txt": "The dog barks\n\nthe fox is gone\n",
    "c.txt": "",
}


class ShapeCases(RunnerCases):
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        folder = tmp_path / "texts"
        folder.mkdir()
        for name, text in TEXTS.items():
            (folder / name).write_text(text, encoding="utf-8")
        return folder

    @pytest.mark.parametrize("combinefn", [None, sum, jobs.add])
    def test_word_count(self, run: Run, folder: Path, combinefn: Any) -> None:
        results = run(mincer.Job(jobs.words, sum, combinefn=combinefn), folder)
        expected = Counter(" ".join(TEXTS.values()).lower().split())
        assert results.to_dict() == expected
        assert len(results) == len(expected)
        assert results.top(2) == [("the", 4), ("dog", 2)]
        assert results.report.records == 5
        assert results.report.pairs == len(expected)

    def test_inverted_index(self, run: Run, folder: Path) -> None:
        def places(key: tuple[str, int], line: str) -> Any:
            path, _ = key
            return dict.fromkeys(line.lower().split(), path)

        def files(word: str, paths: Any) -> list[str]:
            return sorted({Path(path).name for path in paths})

        source = mincer.sources.text(folder, key="path")
        expected = defaultdict(list)
        for name, text in sorted(TEXTS.items()):
            for word in set(text.lower().split()):
                expected[word].append(name)
        assert run(mincer.Job(places, files), source).to_dict() == expected

    def test_join_of_two_tagged_inputs(self, run: Run) -> None:
        users = [(1, "ann"), (2, "bob"), (3, "eve")]
        orders = [(1, "book"), (3, "pen"), (1, "cup"), (4, "lost")]
        job = mincer.Job({"users": jobs.users, "orders": jobs.orders}, jobs.join)
        results = run(job, {"users": users, "orders": orders})
        expected = [(n, o) for i, n in users for j, o in orders if i == j]
        assert sorted(results) == sorted(expected)

    def test_the_context_tells_the_tag(self, run: Run) -> None:
        job = mincer.Job({"a": jobs.tagged, "b": jobs.tagged}, jobs.ordered)
        results = run(job, {"a": [1, 2], "b": {"key": 3}})
        assert results.to_dict() == {"a": [1, 2], "b": [3]}

    def test_map_only_keeps_pairs_and_their_order(self, run: Run) -> None:
        pairs = [(["not", "hashable"], 1), ("a", 2), ("a", 2), (None, None)]
        assert list(run(mincer.Job(jobs.emit), pairs)) == pairs

    def test_empty_input(self, run: Run) -> None:
        results = run(mincer.Job(jobs.words, sum, parts=3), [])
        assert list(results) == []
        assert len(results) == 0
        assert len(results.parts) == 3
        assert list(run(mincer.Job(jobs.words), [])) == []

    def test_empty_output(self, run: Run) -> None:
        results = run(mincer.Job(jobs.words, jobs.nothing), texts("a b", "c"))
        assert list(results) == []

    def test_a_mapping_is_read_by_its_keys(self, run: Run) -> None:
        source = {"x": "a b", "y": "b"}
        assert run(mincer.Job(jobs.same), source).to_dict() == source

    def test_any_iterable_of_pairs(self, run: Run) -> None:
        source = (pair for pair in zip("aba", [1, 2, 3], strict=True))
        results = run(mincer.Job(jobs.same, jobs.ordered), source)
        assert results.to_dict() == {"a": [1, 3], "b": [2]}

    def test_chained_steps(self, run: Run) -> None:
        first = mincer.Job(jobs.words, sum, parts=3)
        chain = first.then(lambda word, n: [(n, word)], jobs.ordered).then(jobs.same)
        results = run(chain, texts("a b c", "b c", "c"))
        assert results.to_dict() == {1: ["a"], 2: ["b"], 3: ["c"]}

    def test_a_map_only_step_feeds_the_next(self, run: Run) -> None:
        chain = mincer.Job(jobs.words).then(jobs.same, len)
        assert run(chain, texts("a b", "a")).to_dict() == {"a": 2, "b": 1}

    def test_results_are_a_source(self, run: Run) -> None:
        first = run(mincer.Job(jobs.words, sum, parts=3), texts("a b b", "b"))
        second = run(mincer.Job(jobs.same), first)
        assert digest(second) == digest(first)
        assert second.to_dict() == {"a": 1, "b": 3}

    @pytest.mark.parametrize("format", ["tsv", "jsonl", "pickle", "lines"])
    def test_written_results_are_a_source(
        self, run: Run, tmp_path: Path, format: str
    ) -> None:
        job = mincer.Job(jobs.words, sum, parts=3)
        options = {"output": tmp_path / "out", "format": format}
        first = run(job, texts("a b b", "b"), **options)
        second = run(mincer.Job(jobs.same), first)
        assert digest(second) == digest(first)
        third = run(mincer.Job(jobs.same, len), [first, second])
        assert sum(third.to_dict().values()) == 4

    def test_a_job_runs_any_number_of_times(self, run: Run) -> None:
        job = mincer.Job(jobs.words, sum, parts=5)
        lines = texts("a b c d e f", "a b")
        first, second = run(job, lines), run(job, lines)
        assert list(first) == list(second)
        assert list(first) == list(first)
        assert run(job, texts("z")).to_dict() == {"z": 1}

    def test_parts_are_what_was_asked_for(self, run: Run) -> None:
        results = run(mincer.Job(jobs.same, sum, parts=7), enumerate(range(100)))
        assert len(results.parts) == 7
        assert sum(len(list(part)) for part in results.parts) == 100
        assert list(results) == [pair for part in results.parts for pair in part]

    @pytest.mark.parametrize("format", ["tsv", "jsonl", "pickle"])
    def test_output_round_trip(self, run: Run, tmp_path: Path, format: str) -> None:
        folder = tmp_path / "out"
        pairs = [("a", 1), ("b c", 2.5), ("\tü\n", [1, None]), ("12", "34"), ("", {})]
        job = mincer.Job(jobs.emit, jobs.first_only, parts=3)
        results = run(job, pairs, output=folder, format=format)
        assert [Path(path).name for path in results.paths] == [
            "part-00000",
            "part-00001",
            "part-00002",
        ]
        assert (folder / "_SUCCESS").exists()
        assert results.to_dict() == dict(pairs)
        assert dict(run(mincer.Job(jobs.same), output(folder))) == dict(pairs)

    def test_output_as_lines(self, run: Run, tmp_path: Path) -> None:
        job = mincer.Job(jobs.emit, jobs.first_only, parts=1, sort_keys=True)
        results = run(job, [(2, "two"), (1, "one")], output=tmp_path, format="lines")
        assert Path(results.paths[0]).read_text() == "one\ntwo\n"

    def test_an_output_in_the_way_is_refused(self, run: Run, tmp_path: Path) -> None:
        (tmp_path / "precious").write_text("mine")
        with pytest.raises(mincer.errors.OutputError, match=re.escape(str(tmp_path))):
            run(mincer.Job(jobs.words, sum), texts("a"), output=tmp_path)
        assert [path.name for path in tmp_path.iterdir()] == ["precious"]

    def test_closed_results_say_so(self, run: Run) -> None:
        results = run(mincer.Job(jobs.words, sum), texts("a"))
        results.close()
        with pytest.raises(UsageError, match="closed"):
            list(results)

    def test_limit_takes_the_first_records_of_a_split(
        self, run: Run, folder: Path
    ) -> None:
        results = run(mincer.Job(jobs.same), folder / "b.txt", limit=2)
        assert [*results] == [(0, "The dog barks"), (14, "")]

    def test_progress_ends_with_done(self, runner: str | Runner) -> None:
        told: list[Progress] = []
        job = mincer.Job(jobs.words, sum, parts=2)
        job.run(texts("a b"), runner=runner, progress=told.append).close()
        assert told[-1].phase == "done"
        elapsed = [one.elapsed_s for one in told]
        assert elapsed == sorted(elapsed)

    def test_a_submitted_job(self, runner: str | Runner) -> None:
        handle = mincer.Job(jobs.words, sum).submit(texts("a b a"), runner=runner)
        with handle.result(timeout=60) as results:
            assert results.to_dict() == {"a": 2, "b": 1}
        assert handle.done

    def test_cancel_ends_a_job_whose_input_never_does(
        self, runner: str | Runner
    ) -> None:
        endless = ((n, n) for n in count())
        handle = mincer.Job(jobs.same, len).submit(endless, runner=runner)
        handle.cancel()
        with pytest.raises(CancelledError):
            handle.result(timeout=60)
