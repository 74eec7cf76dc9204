"""`python -m benchmarks`: run races, keep their figures, write the table and charts."""

from __future__ import annotations

import argparse
import compileall
import os
import sys
from pathlib import Path

from benchmarks import (
    charts,
    engines_table,
    peers_table,
    racing,
    results,
    rows,
    stamps,
)

ROOT = Path(__file__).resolve().parent.parent
HERE = Path("benchmarks")
#: A quick look tells that everything works; its figures are not kept.
QUICK_PAIRS_MAX = 2


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "row",
        nargs="*",
        help="rows (3), races (1-120m-sum), `growth`, `peers`, or cells of the peers' "
        "table (peers:words-1m); all rows when none is given",
    )
    parser.add_argument("--quick", action="store_true", help="small inputs, two pairs")
    parser.add_argument("--peers", action="store_true", help="the table of the peers")
    parser.add_argument(
        "--list", action="store_true", help="the names, and nothing run"
    )
    parser.add_argument(
        "--table", action="store_true", help="write the table and charts again, no run"
    )
    given = parser.parse_args()
    os.chdir(ROOT)
    return Bench(quick=given.quick).do(given)


class Bench:
    """One call: which races, where their figures go, what went wrong."""

    def __init__(self, *, quick: bool) -> None:
        self.quick = quick
        self.races = rows.races(quick=quick)
        self.folder = racing.FOLDER / "quick" if quick else HERE
        self.folder.mkdir(parents=True, exist_ok=True)
        self.results = results.Results(self.folder / "results.json")
        self.failed: list[str] = []

    def do(self, given: argparse.Namespace) -> int:
        if given.list:
            for race in [*self.races, *engines_table.races(quick=self.quick)]:
                print(f"{race.name:12} {race.title}")
            return 0
        wanted = set(given.row) | ({"peers"} if given.peers else set())
        if not wanted and not given.table:
            wanted = {race.row for race in self.races}
        # As an installer leaves it: otherwise a run compiles what was edited since, and
        # with PYTHONDONTWRITEBYTECODE every run does (30 of 115 ms, it was seen).
        for folder in ("src", "benchmarks"):
            compileall.compile_dir(folder, quiet=1)
        cells = {name for name in wanted if name.split(":")[0] == "peers"}
        engines = {name for name in wanted if name.split("-")[0] == engines_table.ROW}
        self._run_races(wanted - cells - engines)
        if engines:
            self.failed += engines_table.run(
                engines, self.results, stamps.stamp(ROOT), _say, quick=self.quick
            )
        if cells:
            self._run_peers(cells)
        self._write()
        for why in self.failed:
            print(f"failed: {why}", file=sys.stderr)
        return 1 if self.failed else 0

    def _run_races(self, wanted: set[str]) -> None:
        known = {race.row for race in self.races} | {race.name for race in self.races}
        if strange := sorted(wanted - known):
            raise SystemExit(
                f"error: there is no row {strange[0]}; "
                f"there are {', '.join(sorted(known))}"
            )
        for race in self.races:
            if race.name not in wanted and race.row not in wanted:
                continue
            # Before the run: who edits src while it lasts gets a figure that is older.
            stamp = stamps.stamp(ROOT)
            try:
                figures = racing.race(
                    race, _say, pairs_max=QUICK_PAIRS_MAX if self.quick else None
                )
            except racing.Failed as error:
                self.failed.append(str(error))
                continue
            self.results.keep(race.name, figures | stamp)
            self._write_table()

    def _run_peers(self, cells: set[str]) -> None:
        peers_table.run(cells, self.results, stamps.stamp(ROOT), _say, quick=self.quick)

    def _write(self) -> None:
        self._write_table()
        _say(f"written: {self.folder / 'results.md'}")
        for path in charts.draw(self.folder / "charts", self.races, self.results.kept):
            _say(f"written: {path}")

    def _write_table(self) -> None:
        notes = HERE / "notes.md"
        code_now = stamps.code_hash(ROOT)
        text = results.table(
            self.races,
            self.results.kept,
            code_now,
            notes=notes.read_text("utf-8") if notes.exists() else "",
            among_peers=[
                *engines_table.section(self.results.kept, code_now),
                *peers_table.section(self.results.kept, code_now),
            ],
        )
        (self.folder / "results.md").write_text(text, "utf-8")


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
