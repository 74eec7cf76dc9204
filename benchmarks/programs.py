"""What is run: command lines with places for the output and the input."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks import inputs

__all__ = [
    "OUT",
    "Program",
    "by_hand",
    "mincer",
    "mincer_program",
    "submitting",
    "with_joblib",
]

#: These arguments are put in when the program is run.
OUT = "{out}"
INPUTS = "{inputs}"
FOLDER = "{folder}"

HERE = "benchmarks"
WORKERS = 2


@dataclass(frozen=True, slots=True)
class Program:
    """One of those that race."""

    label: str
    arguments: tuple[str, ...]
    kind: str | None = None
    size: str | None = None
    #: What BENCH_INPUT is in its environment: a job file that names its own source
    #: takes the input from there.
    told: str | None = None
    #: It says itself how long it took, on the last line: `took SECONDS`.
    is_clocked: bool = False

    def parts(self) -> list[Path]:
        """The input, made now if it is not there."""
        if self.kind is None or self.size is None:
            return []
        return inputs.parts(self.kind, self.size)

    def command(self, out: Path) -> list[str]:
        parts = list(map(str, self.parts()))
        made: list[str] = []
        for argument in self.arguments:
            if argument == INPUTS:
                made += parts
            elif argument == FOLDER:
                made.append(str(Path(parts[0]).parent))
            else:
                made.append(argument.replace(OUT, str(out)))
        return made

    def environment(self) -> dict[str, str]:
        if self.told is None:
            return {}
        told = str(self.parts()[0].parent) if self.told == FOLDER else self.told
        return {"BENCH_INPUT": told}

    def missing(self) -> str | None:
        """Why it cannot be run here."""
        if "joblib" in self.label and importlib.util.find_spec("joblib") is None:
            return "joblib is not installed (pip install '.[bench]')"
        return None


def by_hand(file: str, form: str, kind: str, size: str, label: str = "") -> Program:
    arguments = (sys.executable, f"{HERE}/byhand/{file}.py", form, OUT, INPUTS)
    return Program(label or "by hand", arguments, kind, size)


def with_joblib(form: str, kind: str, size: str) -> Program:
    return by_hand("with_joblib", form, kind, size, "joblib")


def mincer(
    job: str,
    kind: str,
    size: str,
    *more: str,
    own_source: bool = False,
    label: str = "",
) -> Program:
    """The real command: `mincer run JOB INPUT -w 2 -o OUT`."""
    given = () if own_source else (FOLDER,)
    return Program(
        label or "mincer",
        (
            *(mincer_program(), "run", f"{HERE}/jobs/{job}", *given),
            *("-w", str(WORKERS), "-o", OUT, "-q", *more),
        ),
        kind,
        size,
        FOLDER if own_source else None,
    )


def submitting(runner: str, job: str, kind: str, size: str) -> Program:
    """A job by a runner whose workers are there: see submitting.py."""
    own_source = kind == "json"
    arguments = (
        *(sys.executable, f"{HERE}/submitting.py", runner, job, OUT),
        *(() if own_source else (FOLDER,)),
    )
    told = FOLDER if own_source else None
    return Program(runner, arguments, kind, size, told, is_clocked=True)


def mincer_program() -> str:
    """The command of the environment that runs this."""
    beside = Path(sys.executable).parent
    found = shutil.which("mincer", path=str(beside)) or shutil.which("mincer")
    if found is None:
        raise SystemExit("error: there is no command mincer: python -m pip install .")
    return found
