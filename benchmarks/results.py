"""The newest figures of each race, in results.json; results.md is written from them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.rows import MB, Race

__all__ = ["Aim", "Results", "aims", "table"]

Figures = Mapping[str, Any]

HEAD = """\
# Benchmarks

Written by `make bench`; how to read and run it: [README.md](README.md).

Ratio: mincer ÷ the other program, the median of pairs run in turn, and the interval
in which the true median lies (with 95 %; of 5 pairs it is their full range, with 94 %).
Seconds are medians, of this machine in those minutes: they differ from run to run much
more than the ratios do. Memory: the peak of the resident sets of the whole process
tree summed, where a page that processes share counts once for each.

"""


class Results:
    """A JSON file: for each race, what was measured last."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.kept: dict[str, dict[str, Any]] = {}
        if path.exists():
            self.kept = json.loads(path.read_text("utf-8"))

    def keep(self, name: str, figures: Figures) -> None:
        self.kept[name] = dict(figures)
        aside = self.path.with_suffix(".aside")
        text = json.dumps(self.kept, indent=1, sort_keys=True, ensure_ascii=False)
        aside.write_text(text + "\n", "utf-8")
        aside.replace(self.path)


@dataclass(frozen=True, slots=True)
class Aim:
    """One target of a race, and whether it is met."""

    said: str
    reached: str
    met: bool


def aims(race: Race, figures: Figures) -> list[Aim]:
    """The targets of a race beside what was reached."""
    found = []
    ours = figures["ours"]
    if race.ratio_max is not None:
        ratio = figures["ratio"]
        reached = f"{ratio:.2f} × [{figures['low']:.2f}, {figures['high']:.2f}]"
        met = ratio <= race.ratio_max
        found.append(Aim(f"≤ {race.ratio_max:.2f} ×", reached, met))
    if race.over_s_max is not None:
        over_s = figures["over_s"]
        met = over_s <= race.over_s_max
        found.append(Aim(f"≤ {race.over_s_max} s more", f"{over_s:.2f} s", met))
    if race.coordinator_bytes_max is not None:
        most_mb, reached_mb = race.coordinator_bytes_max / MB, figures["coordinator_mb"]
        said = f"coordinator ≤ {most_mb:.0f} MB"
        found.append(Aim(said, f"{reached_mb:.0f} MB", reached_mb <= most_mb))
    if race.coordinator_over_bytes_max is not None:
        most_mb = race.coordinator_over_bytes_max / MB
        over_mb = figures["coordinator_mb"] - figures["coordinator_tenth_mb"]
        said = f"… ≤ {most_mb:.0f} MB above that of a tenth"
        found.append(Aim(said, f"{over_mb:.0f} MB", over_mb <= most_mb))
    for what, key, most_bytes in (
        ("tree", "tree_mb", race.tree_bytes_max),
        ("a process", "largest_mb", race.largest_bytes_max),
    ):
        if most_bytes is not None:
            most_mb, reached_mb = most_bytes / MB, ours[key]
            met = reached_mb <= most_mb
            found.append(Aim(f"{what} ≤ {most_mb:.0f} MB", f"{reached_mb:.0f} MB", met))
    return found


def table(
    races: Sequence[Race],
    kept: Mapping[str, Figures],
    code_now: str,
    *,
    notes: str = "",
    among_peers: Sequence[str] = (),
) -> str:
    """results.md. `notes`: the text of notes.md, to know which rows have one."""
    rows = [race for race in races if race.name in kept]
    missing = [race.name for race in races if race.name not in kept]
    older = [race.name for race in rows if kept[race.name]["code"] != code_now]
    missed = [
        race.name
        for race in rows
        if not all(aim.met for aim in aims(race, kept[race.name]))
    ]
    lines = [
        f"**Missed**: {', '.join(missed) or 'none'}.",
        f"**Older than the code**: {', '.join(older) or 'none'}.",
    ]
    if missing:
        lines.append(f"**Not measured**: {', '.join(missing)}.")
    return (
        "\n".join(
            [
                HEAD + "\n".join(f"* {line}" for line in lines),
                "",
                *_rows(rows, kept, code_now, notes),
                "",
                *among_peers,
                "## What each program took",
                "",
                *_costs(rows, kept),
                "",
                "## Where and when",
                "",
                *_origins(rows, kept),
                "",
                *_remarks(rows, kept),
            ]
        ).rstrip("\n")
        + "\n"
    )


def _rows(
    races: Sequence[Race], kept: Mapping[str, Figures], code_now: str, notes: str
) -> Iterator[str]:
    yield "| race | work | target | reached | | pairs | |"
    yield "|---|---|---|---|---|---|---|"
    for race in races:
        figures = kept[race.name]
        remarks = []
        if figures["code"] != code_now:
            remarks.append("older than the code")
        if f"\n## Row {race.row}\n" in f"\n{notes}":
            remarks.append(f"[notes](notes.md#row-{race.row})")
        of_race = aims(race, figures) or [
            Aim("", f"{figures['ratio']:.2f} ×", met=True)
        ]
        yield "| {} | {} | {} | {} | {} | {} | {} |".format(
            race.name,
            race.title,
            "<br>".join(aim.said for aim in of_race),
            "<br>".join(aim.reached for aim in of_race),
            "<br>".join(
                ("met" if aim.met else "**missed**") if aim.said else ""
                for aim in of_race
            ),
            figures["pairs"],
            ", ".join(remarks),
        )


def _costs(races: Sequence[Race], kept: Mapping[str, Figures]) -> Iterator[str]:
    yield (
        "| race | program | wall s | CPU s | tree MB | tree MB, shared pages once "
        "| largest process MB |"
    )
    yield "|---|---|---|---|---|---|---|"
    for race in races:
        figures = kept[race.name]
        for side in (figures["ours"], figures["theirs"]):
            yield (
                f"| {race.name} | {side['label']} | {side['wall_s']} | {side['cpu_s']} "
                f"| {side['tree_mb']} | {side['tree_pss_mb']} | {side['largest_mb']} |"
            )
        for label, said in figures["opponents_s"].items():
            if label != figures["theirs"]["label"]:
                yield f"| {race.name} | {label} | {said} | | | | |"


def _origins(races: Sequence[Race], kept: Mapping[str, Figures]) -> Iterator[str]:
    yield "| race | commit | src | date | machine |"
    yield "|---|---|---|---|---|"
    for race in races:
        figures = kept[race.name]
        commit = figures["commit"] + (" + changes" if figures["dirty"] else "")
        yield (
            f"| {race.name} | {commit} | {figures['code']} | {figures['date']} "
            f"| {figures['machine']} |"
        )


def _remarks(races: Sequence[Race], kept: Mapping[str, Figures]) -> Iterator[str]:
    for race in races:
        equal = kept[race.name]["digest"]
        yield f"* {race.name}: outputs equal, {equal}. {race.note}".rstrip()
