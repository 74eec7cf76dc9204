"""Run a race: choose the opponent, run in turn, compare outputs, keep the figures."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import digests, tree
from benchmarks.pairs import in_turn, ratio
from benchmarks.programs import Program
from benchmarks.rows import MB, Race
from benchmarks.standing import Standing, standing_cluster

__all__ = ["FOLDER", "Failed", "measured", "race", "read_inputs", "remove"]

FOLDER = Path("build") / "bench"
Say = Callable[[str], None]
_READ_BYTES = 1 << 24


class Failed(Exception):
    """A program ended badly, or the outputs differ."""


def race(race: Race, say: Say, *, pairs_max: int | None = None) -> dict[str, Any]:
    """The figures of one race, as they are kept in results.json."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    read_inputs([race.ours, *race.theirs])
    if not race.on_cluster:
        return _raced(race, say, pairs_max)
    with standing_cluster(FOLDER) as cluster, _environment(cluster):
        figures = _raced(race, say, pairs_max)
        figures["coordinator_mb"] = round(cluster.peak_bytes() / MB, 1)
    if race.tenth is not None:
        read_inputs([race.tenth])
        with standing_cluster(FOLDER) as cluster, _environment(cluster):
            measured(race.tenth, FOLDER / "tenth")
            remove(FOLDER / "tenth")
            figures["coordinator_tenth_mb"] = round(cluster.peak_bytes() / MB, 1)
    return figures


@contextmanager
def _environment(cluster: Standing) -> Iterator[None]:
    """Let the programs find the cluster."""
    os.environ.update(cluster.environment)
    try:
        yield
    finally:
        for name in cluster.environment:
            del os.environ[name]


def _raced(race: Race, say: Say, pairs_max: int | None) -> dict[str, Any]:
    theirs, opponents = _best(race, say)
    same = _Compared(race)

    def ours_once() -> tree.Ran:
        return same.once(race.ours, "ours")

    def theirs_once() -> tree.Ran:
        return same.once(theirs, "theirs")

    pairs = in_turn(ours_once, theirs_once, lambda ran: ran.wall_s, at_most=pairs_max)
    walls = [(ours.wall_s, other.wall_s) for ours, other in pairs]
    middle, sure = ratio(walls)
    figures: dict[str, Any] = {
        "row": race.row,
        "title": race.title,
        "ours": _figures(race.ours.label, [ours for ours, _ in pairs]),
        "theirs": _figures(theirs.label, [other for _, other in pairs]),
        "pairs": len(pairs),
        "ratio": round(middle, 4),
        "low": round(sure.low, 4),
        "high": round(sure.high, 4),
        "confidence": round(sure.confidence, 3),
        "ratios": [round(ours / other, 4) for ours, other in walls],
        "over_s": round(median(ours - other for ours, other in walls), 4),
        "digest": same.said,
        "opponents_s": opponents,
    }
    say(
        f"{race.name}: {middle:.2f} × [{sure.low:.2f}, {sure.high:.2f}] of {len(pairs)}"
        f" pairs; {figures['ours']['wall_s']} s, {figures['theirs']['wall_s']} s; "
        f"{figures['ours']['tree_mb']} MB, {figures['theirs']['tree_mb']} MB"
    )
    return figures


def read_inputs(programs: Iterable[Program]) -> None:
    """Read the inputs once, lest the first of a race pay for cold files: that is 1.5 s
    of a GB here."""
    for path in sorted({path for program in programs for path in program.parts()}):
        with open(path, "rb", buffering=0) as file:
            while file.read(_READ_BYTES):
                pass


def _best(race: Race, say: Say) -> tuple[Program, dict[str, float | str]]:
    """The fastest of the opponents, by the better of two runs of each."""
    if len(race.theirs) == 1:
        return race.theirs[0], {}
    said: dict[str, float | str] = {}
    found: dict[float, Program] = {}
    for program in race.theirs:
        if why := program.missing():
            said[program.label] = why
            say(f"{race.name}: without {program.label}: {why}")
            continue
        out = FOLDER / "tried"
        best_s = min(measured(program, out).wall_s for _ in range(2))
        remove(out)
        said[program.label] = round(best_s, 3)
        found[best_s] = program
    return found[min(found)], said


class _Compared:
    """Runs programs and looks whether their outputs are all the same."""

    def __init__(self, race: Race) -> None:
        self.race = race
        self.first: digests.Digest | None = None
        self._read: dict[str, Callable[[Path], digests.Digest]] = {}
        if race.equal == "places":
            self._read["ours"] = digests.places(race.ours.parts())
            self._read["theirs"] = digests.loose
        else:
            self._read["ours"] = self._read["theirs"] = getattr(digests, race.equal)

    def once(self, program: Program, side: str) -> tree.Ran:
        out = FOLDER / side
        ran = measured(program, out)
        digest = self._read[side](out)
        if self.first is None:
            self.first = digest
        if digest != self.first or not digest.count:
            raise Failed(
                f"{self.race.name}: the outputs differ: {self.first}, and {digest} "
                f"by {program.label}, kept in {out}"
            )
        # Also so that pages not yet written to the disk are not, during the next run.
        remove(out)
        return ran

    @property
    def said(self) -> str:
        """Hashes of lines are of this process; only what means something later."""
        if self.first is None:
            return ""
        unit = "bytes" if self.race.equal == "ordered" else "lines"
        return f"{self.first.count} {unit}"


def measured(
    program: Program,
    out: Path,
    *,
    timeout_s: float = 1800.0,
    may_fail: bool = False,
) -> tree.Ran:
    """One run of a program; that it failed is an error, unless it may."""
    remove(out)
    command = program.command(out)
    ran = tree.run(
        command,
        log=FOLDER / f"{out.name}.log",
        more_environment=program.environment(),
        timeout_s=timeout_s,
    )
    if ran.failed and not may_fail:
        why = "was too slow" if ran.timed_out else f"ended with {ran.exit_code}"
        raise Failed(f"{program.label} {why}: {' '.join(command[:6])}…\n{ran.message}")
    return replace(ran, wall_s=_took(ran)) if program.is_clocked else ran


def _took(ran: tree.Ran) -> float:
    """What a program says that it took."""
    word, _, seconds = ran.message.rstrip().rpartition("\n")[2].partition(" ")
    if word != "took":
        raise Failed(f"it should have said how long it took:\n{ran.message}")
    return float(seconds)


def remove(out: Path) -> None:
    """An output, of one file or a folder of them."""
    if out.is_dir():
        shutil.rmtree(out)
    else:
        out.unlink(missing_ok=True)


def _figures(label: str, runs: list[tree.Ran]) -> dict[str, Any]:
    return {
        "label": label,
        "wall_s": _rounded(median(ran.wall_s for ran in runs)),
        "cpu_s": _rounded(median(ran.cpu_s for ran in runs)),
        "tree_mb": round(max(ran.tree_bytes for ran in runs) / MB, 1),
        "tree_pss_mb": round(max(ran.tree_pss_bytes for ran in runs) / MB, 1),
        "largest_mb": round(max(ran.largest_bytes for ran in runs) / MB, 1),
    }


def _rounded(seconds: float) -> float:
    return round(seconds, 3 if seconds < 10 else 2)
