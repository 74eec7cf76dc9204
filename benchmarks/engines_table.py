"""mincer on Spark, Dask and Ray against programs by hand for that engine."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.results import Results
from benchmarks.rows import said_size

__all__ = ["ROW", "EngineRace", "races", "run", "section"]

#: What is typed for all of them.
ROW = "11"
RATIO_MAX = 1.10
TIMEOUT_S = 3600.0
_PACKAGES = {"spark": "pyspark", "dask": "distributed", "ray": "ray"}

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class EngineRace:
    """One job on one engine."""

    engine: str
    kind: str
    size: str

    @property
    def name(self) -> str:
        return f"{ROW}-{self.engine}-{self.kind}-{self.size}"

    @property
    def title(self) -> str:
        if self.kind == "json":
            return f"group {self.size} JSON lines on {self.engine.title()}"
        return f"words, {said_size(self.size)}, on {self.engine.title()}"


def races(*, quick: bool = False) -> list[EngineRace]:
    inputs = (("words", "120m"), ("words", "1g"), ("json", "2m"))
    if quick:
        inputs = (("words", "1m"), ("json", "100k"))
    return [
        EngineRace(engine, kind, size) for engine in _PACKAGES for kind, size in inputs
    ]


def run(
    wanted: set[str],
    results: Results,
    stamp: Mapping[str, Any],
    say: Say,
    *,
    quick: bool = False,
) -> list[str]:
    """Run those that are wanted; return what went wrong."""
    failed = []
    for race in races(quick=quick):
        if race.name not in wanted and ROW not in wanted:
            continue
        package = _PACKAGES[race.engine]
        if importlib.util.find_spec(package) is None:
            failed.append(f"{race.name}: {package} is missing (make test-engines)")
            continue
        out = Path("build") / "bench" / f"{race.name}.json"
        out.unlink(missing_ok=True)
        command = ["benchmarks.on_engine", race.engine, race.kind, race.size, str(out)]
        done = subprocess.run(
            [sys.executable, "-m", *command],
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
        )
        if done.returncode or not out.exists():
            failed.append(f"{race.name}: {done.stderr[-2000:]}")
            continue
        figures = json.loads(out.read_text())
        results.keep(race.name, figures | dict(stamp))
        say(
            f"{race.name}: {figures['ratio']:.2f} × [{figures['low']:.2f}, "
            f"{figures['high']:.2f}] of {figures['pairs']} pairs; "
            f"{figures['ours_s']} s, {figures['theirs_s']} s ({figures['theirs']})"
        )
    return failed


def section(kept: Mapping[str, Mapping[str, Any]], code_now: str) -> Iterator[str]:
    """The table for results.md."""
    rows = [race for race in races() if race.name in kept]
    if not rows:
        return
    yield "## On Spark, Dask and Ray"
    yield ""
    yield (
        "The engine is there already, with two workers; from the call to the last byte "
        "of the output. By hand: the fastest of several programs for that engine "
        "([Spark](byhand/on_spark.py), [Dask](byhand/on_dask.py), "
        "[Ray](byhand/on_ray.py)) which call the same function record by record."
    )
    yield ""
    yield (
        "| race | work | target | reached | | pairs | mincer s | by hand s | others s "
        "| start-up of the engine s | |"
    )
    yield "|---|---|---|---|---|---|---|---|---|---|---|"
    for race in rows:
        one = kept[race.name]
        others = ", ".join(
            f"{name} {took}"
            for name, took in one["opponents_s"].items()
            if name != one["theirs"]
        )
        yield "| {} | {} | ≤ {:.2f} × | {} | {} | {} | {} | {} | {} | {} | {} |".format(
            race.name,
            race.title,
            RATIO_MAX,
            f"{one['ratio']:.2f} × [{one['low']:.2f}, {one['high']:.2f}]",
            "met" if one["ratio"] <= RATIO_MAX else "**missed**",
            one["pairs"],
            one["ours_s"],
            f"{one['theirs_s']} ({one['theirs']})",
            others,
            one["start_s"],
            "" if one["code"] == code_now else "older than the code",
        )
    yield ""
