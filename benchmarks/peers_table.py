"""mincer among its peers: every framework on the same work, start-up included."""

# Strategy: rounds, in each of which all programs run once, so that they all see the
# machine of the same minutes, each time beginning with another one. Three rounds; who
# took more than a minute runs once. Where a peer comes near, four more rounds of mincer
# and those that do: three runs waver by a tenth here. A time-out is a result, and so is
# an output that is wrong. polars and duckdb run no Python function: they are shown as
# the bound of native code, and not raced.

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from statistics import median
from typing import Any

from benchmarks import digests, racing, tree
from benchmarks.peers.environments import PEERS, Peer, ready
from benchmarks.programs import INPUTS, OUT, Program, by_hand, mincer
from benchmarks.results import Results
from benchmarks.rows import MB, said_size

__all__ = ["Cell", "cells", "run", "section"]

ROUNDS = 3
#: … and so many more with peers that took at most this much more time than mincer.
CLOSE_ROUNDS = 4
CLOSE = 1.15
LONG_S = 60.0
TIMEOUT_S = 600.0
NOT_DONE_EXIT = 3

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Cell:
    """One column of the table: a workload at a size."""

    name: str
    title: str
    workload: str
    kind: str
    size: str
    mincer: Program
    by_hand: Program
    equal: str = "loose"

    @property
    def key(self) -> str:
        return f"peers:{self.name}"


def cells(*, quick: bool = False) -> list[Cell]:
    sizes = ["1m"] if quick else ["1m", "12m", "120m", "1g"]
    found = [_words("tiny", "trivial job", "tiny", "tiny", "5")]
    found += [
        _words(f"words-{s}", f"words {said_size(s)}", "words", "words", s)
        for s in sizes
    ]
    found += [
        Cell(
            *(f"blocks-{s}", f"blocks {said_size(s)}", "words_blocks", "words", s),
            mincer("blocks.py", "words", s, own_source=True),
            by_hand("words", "block", "words", s),
        )
        for s in sizes
    ]
    if quick:
        return found
    return [
        *found,
        Cell(
            *("distinct", "5.9 M distinct words", "distinct", "distinct", "172m"),
            mincer("words.py:sorted_by_sum", "distinct", "172m"),
            by_hand("words", "parts", "distinct", "172m"),
        ),
        Cell(
            *("sort", "sort 1 GB", "sort", "records", "1g"),
            mincer("sort.py", "records", "1g", "--format", "lines"),
            by_hand("sort", "hand", "records", "1g"),
            equal="ordered",
        ),
        Cell(
            *("group", "group 2 M JSON lines", "group", "json", "2m"),
            mincer("group.py", "json", "2m", own_source=True),
            by_hand("group", "hand", "json", "2m"),
        ),
        Cell(
            *("index", "inverted index 120 MB", "index", "words", "120m"),
            mincer("index.py", "words", "120m", own_source=True),
            by_hand("index", "hand", "words", "120m"),
            equal="places",
        ),
    ]


def _words(name: str, title: str, workload: str, kind: str, size: str) -> Cell:
    return Cell(
        *(name, title, workload, kind, size),
        mincer("words.py:by_sum", kind, size),
        by_hand("words", "line", kind, size),
    )


def run(
    wanted: AbstractSet[str],
    results: Results,
    stamp: Mapping[str, Any],
    say: Say,
    *,
    quick: bool = False,
) -> None:
    """Run the cells called `peers:NAME`, or all for `peers`; keep what they gave."""
    racing.FOLDER.mkdir(parents=True, exist_ok=True)
    known = cells(quick=quick)
    chosen = [cell for cell in known if "peers" in wanted or cell.key in wanted]
    if strange := wanted - {cell.key for cell in known} - {"peers"}:
        names = ", ".join(cell.key for cell in known)
        raise SystemExit(f"error: there is no {min(strange)}; there are {names}")
    pythons = {peer.name: ready(peer.name) for peer in PEERS}
    for cell in chosen:
        figures = _Rounds(cell, pythons, say).run(1 if quick else ROUNDS)
        results.keep(cell.key, {"programs": figures, **stamp})


class _Rounds:
    """The runs of one cell."""

    def __init__(self, cell: Cell, pythons: Mapping[str, Any], say: Say) -> None:
        self.cell = cell
        self.say = say
        self.programs = {"mincer": cell.mincer, "by hand": cell.by_hand}
        self.runs: dict[str, list[tree.Ran]] = {name: [] for name in self.programs}
        #: Who is out, and why.
        self.said: dict[str, str] = {}
        for peer in PEERS:
            python = pythons[peer.name]
            if isinstance(python, str):
                self.said[peer.label] = f"left out: {python}"
            elif cell.workload not in peer.forms:
                self.said[peer.label] = "does not do this"
            else:
                self.programs[peer.label] = _program(peer, str(python), cell)
                self.runs[peer.label] = []
        self.ours = (
            digests.places(cell.mincer.parts())
            if cell.equal == "places"
            else getattr(digests, cell.equal)
        )
        self.theirs = digests.loose if cell.equal == "places" else self.ours
        self.expected: digests.Digest | None = None

    def run(self, rounds: int) -> dict[str, Any]:
        racing.read_inputs(self.programs.values())
        self._rounds(list(self.programs), rounds)
        near = self._near()
        if near and rounds == ROUNDS:
            self._rounds(["mincer", *near], CLOSE_ROUNDS)
        return {
            name: _cost(self.runs.get(name, []), self.said.get(name, ""))
            for name in [*self.programs, *(self.said.keys() - self.programs.keys())]
        }

    def _rounds(self, names: list[str], rounds: int) -> None:
        for turn in range(rounds):
            first = turn % len(names)
            for name in names[first:] + names[:first]:
                before = self.runs[name]
                if name in self.said or (before and before[0].wall_s > LONG_S):
                    continue
                self._once(name)

    def _near(self) -> list[str]:
        """Peers that are ahead of mincer, or not far behind."""
        racing_peers = [
            peer.label
            for peer in PEERS
            if not peer.native and self.runs.get(peer.label)
            if peer.label not in self.said
        ]
        ours = self.runs["mincer"]
        if not ours or "mincer" in self.said:
            return []
        most_s = CLOSE * median(ran.wall_s for ran in ours)
        return [
            name
            for name in racing_peers
            if median(ran.wall_s for ran in self.runs[name]) <= most_s
        ]

    def _once(self, name: str) -> None:
        out = racing.FOLDER / "peer"
        ran = racing.measured(
            self.programs[name], out, timeout_s=TIMEOUT_S, may_fail=True
        )
        why = ""
        if ran.timed_out:
            why = f"> {TIMEOUT_S:.0f} s"
            self.runs[name].append(ran)  # For its memory.
        elif ran.exit_code == NOT_DONE_EXIT:
            why = "does not do this"
        elif ran.exit_code:
            last = ran.message.splitlines()[-1:] or ["no message"]
            why = f"failed: {last[0][:120]}"
        else:
            self.runs[name].append(ran)
            digest = (self.ours if name == "mincer" else self.theirs)(out)
            self.expected = self.expected or digest
            if digest != self.expected:
                why = "another result"
        racing.remove(out)
        if why:
            self.said[name] = why
        self.say(f"{self.cell.key} {name}: {why or f'{ran.wall_s:.2f} s'}")


def _program(peer: Peer, python: str, cell: Cell) -> Program:
    file = f"benchmarks/peers/{peer.name}/program.py"
    arguments = (python, file, cell.workload, OUT, INPUTS)
    return Program(peer.label, arguments, cell.kind, cell.size)


def _cost(runs: Sequence[tree.Ran], said: str) -> dict[str, Any]:
    found: dict[str, Any] = {"said": said, "runs": len(runs)}
    if runs:
        found["tree_mb"] = round(max(ran.tree_bytes for ran in runs) / MB, 1)
    if runs and not said:
        found["wall_s"] = round(median(ran.wall_s for ran in runs), 3)
    return found


def section(kept: Mapping[str, Mapping[str, Any]], code_now: str) -> list[str]:
    """The table among the peers, for results.md."""
    measured = [cell for cell in cells() if cell.key in kept]
    if not measured:
        return []
    native = {peer.label for peer in PEERS if peer.native}
    labels = ["mincer", "by hand", *(peer.label for peer in PEERS)]
    lines = [
        "## Among its peers",
        "",
        "Wall seconds (peak MB of the process tree), start-up and output included, of "
        "two worker processes; the median of three runs, of seven where it is close, "
        "one above a minute. All call the same mapfn in the same form: a generator of "
        "a line or a record; `blocks`: a Counter of a block. polars and duckdb run no "
        "Python function: shown, not raced. *By hand* is the program of the rows "
        "above.",
        "",
        "| | " + " | ".join([*labels, "mincer ahead of"]) + " |",
        "|---" * (len(labels) + 2) + "|",
    ]
    for cell in measured:
        programs = kept[cell.key]["programs"]
        shown = [cell.title, *(_shown(programs.get(label)) for label in labels)]
        lines.append(f"| {' | '.join([*shown, _ahead(programs, native)])} |")
    old = [cell.key for cell in measured if kept[cell.key]["code"] != code_now]
    dates = sorted({kept[cell.key]["date"] for cell in measured})
    lines += ["", f"Measured {', '.join(dates)}; older than the code: "]
    lines[-1] += f"{', '.join(old) or 'none'}."
    return [*lines, *_reasons(measured, kept), ""]


def _shown(cost: Mapping[str, Any] | None) -> str:
    if cost is None:
        return ""
    if "wall_s" in cost:
        return f"{cost['wall_s']:.3g} ({cost['tree_mb']:.0f})"
    said: str = cost["said"]
    return "–" if said == "does not do this" else said.split(":")[0]


def _ahead(programs: Mapping[str, Mapping[str, Any]], native: set[str]) -> str:
    """The best of those that race, and its time ÷ that of mincer."""
    raced = programs.keys() - native - {"mincer", "by hand"}
    times = [
        (programs[name]["wall_s"], name) for name in raced if "wall_s" in programs[name]
    ]
    if not times or "wall_s" not in programs["mincer"]:
        return ""
    best_s, name = min(times)
    times_faster = best_s / programs["mincer"]["wall_s"]
    return f"{'' if times_faster > 1 else '**not** '}{name}: {times_faster:.2f} ×"


def _reasons(
    measured: Sequence[Cell], kept: Mapping[str, Mapping[str, Any]]
) -> Iterator[str]:
    """What a cell of the table has no room for."""
    said = {
        f"* {label}: {cost['said']}"
        for cell in measured
        for label, cost in kept[cell.key]["programs"].items()
        if ":" in cost["said"]
    }
    if said:
        yield ""
        yield from sorted(said)
