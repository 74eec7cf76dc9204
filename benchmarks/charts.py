"""PNG charts of what is in results.json: ratios, memory, and growth with the input."""

# Strategy: drawn from what was kept, so a chart never shows what the table does not
# say. matplotlib is imported when a chart is drawn: the rest runs without it.

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.inputs import size_bytes
from benchmarks.peers.environments import PEERS
from benchmarks.peers_table import Cell, cells
from benchmarks.rows import MB, Race

__all__ = ["draw"]

Kept = Mapping[str, Mapping[str, Any]]

OURS, THEIRS, PALE = "#c2410c", "#475569", "#94a3b8"
GRID = "#e2e8f0"
#: The same program has the same color in every chart.
PEER_COLORS = (
    *("#2563eb", "#0891b2", "#059669", "#7c3aed", "#db2777", "#a16207"),
    *("#94a3b8", "#64748b"),
)


def draw(folder: Path, races: Sequence[Race], kept: Kept) -> list[Path]:
    """Write every chart for which there are figures; the paths."""
    import matplotlib as mpl

    mpl.use("Agg")
    mpl.rcParams.update(
        {
            "savefig.dpi": 110,
            "font.size": 9,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.titlelocation": "left",
            "legend.frameon": False,
        }
    )
    folder.mkdir(parents=True, exist_ok=True)
    measured = [race for race in races if race.name in kept and race.row != "growth"]
    written = []
    if measured:
        written += [
            _ratios(folder / "ratios.png", measured, kept),
            _dots(folder / "time.png", measured, kept, "wall_s", "wall seconds"),
            _dots(
                folder / "memory.png",
                measured,
                kept,
                "tree_mb",
                "peak of the process tree, MB",
            ),
        ]
    lines = _growth_lines(kept)
    if any(len(line) > 1 for line in lines.values()):
        written.append(_growth(folder / "growth.png", lines))
    found = [cell for cell in cells() if cell.key in kept]
    if found:
        written.append(_peers(folder / "peers.png", found, kept))
    return written


def _saved(figure: Any, path: Path) -> Path:
    import matplotlib.pyplot as plt

    # No date in it: the same figures give the same file.
    figure.savefig(path, bbox_inches="tight", metadata={"Software": None})
    plt.close(figure)
    return path


def _named(race: Race) -> str:
    return f"{race.name}  {race.title}"


def _ratios(path: Path, races: Sequence[Race], kept: Kept) -> Path:
    """mincer ÷ the other program, its interval and its target."""
    import matplotlib.pyplot as plt

    aimed = [(race, race.ratio_max) for race in races if race.ratio_max is not None]
    figure, axes = plt.subplots(figsize=(8, 0.33 * len(aimed) + 1.1))
    for place, (race, most) in enumerate(aimed):
        figures = kept[race.name]
        axes.plot([figures["low"], figures["high"]], [place, place], color=PALE, lw=5)
        met = figures["ratio"] <= most
        axes.plot(
            figures["ratio"], place, "o", color=OURS, mfc=OURS if met else "white"
        )
        axes.plot([most, most], [place - 0.35, place + 0.35], "k", lw=1.5)
    axes.axvline(1, color=PALE, lw=0.8, ls=":")
    axes.set_yticks(range(len(aimed)), [_named(race) for race, _ in aimed])
    axes.set_ylim(len(aimed) - 0.4, -0.6)
    axes.set_xlim(left=0)
    axes.set_xlabel("time of mincer ÷ time of the other program")
    axes.set_title("○ missed  ● met  ▬ interval of the median  | target", fontsize=9)
    return _saved(figure, path)


def _dots(
    path: Path, races: Sequence[Race], kept: Kept, figure_name: str, axis: str
) -> Path:
    """Both programs of each race. Dots: on a logarithmic scale bars have no length."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(8, 0.33 * len(races) + 1.1))
    for place, race in enumerate(races):
        sides = kept[race.name]["ours"], kept[race.name]["theirs"]
        axes.plot(
            [side[figure_name] for side in sides], [place] * 2, color=PALE, zorder=1
        )
    for side, color, label in (
        ("theirs", THEIRS, "the other program"),
        ("ours", OURS, "mincer"),
    ):
        sizes = [kept[race.name][side][figure_name] for race in races]
        axes.plot(sizes, range(len(races)), "o", color=color, label=label)
    _logarithmic(axes.xaxis)
    axes.set_yticks(range(len(races)), [_named(race) for race in races])
    axes.set_ylim(len(races) - 0.4, -0.6)
    axes.grid(axis="x", color=GRID, lw=0.6)
    axes.set_xlabel(axis)
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
    return _saved(figure, path)


def _logarithmic(axis: Any) -> None:
    """With numbers as people write them: 0.1, 1, 10."""
    {"x": axis.axes.set_xscale, "y": axis.axes.set_yscale}[axis.axis_name]("log")
    axis.set_major_formatter("{x:g}")
    axis.set_minor_formatter("")


#: program → (size in bytes, seconds, MB), ascending
Lines = dict[str, list[tuple[int, float, float]]]


def _growth_lines(kept: Kept) -> Lines:
    """Words, a generator a line: from the races, and the peers from their table."""
    lines: Lines = {"mincer": [], "by hand": []}
    for size, name in (
        *(("1m", "growth-1m"), ("12m", "growth-12m")),
        *(("120m", "1-120m-sum"), ("1g", "1-1g-sum")),
    ):
        x = size_bytes(size)
        if name in kept:
            for side, label in (("ours", "mincer"), ("theirs", "by hand")):
                cost = kept[name][side]
                lines[label].append((x, cost["wall_s"], cost["tree_mb"]))
        programs = kept.get(f"peers:words-{size}", {}).get("programs", {})
        for label, cost in programs.items():
            if label not in ("mincer", "by hand") and "wall_s" in cost:
                found = lines.setdefault(label, [])
                found.append((x, cost["wall_s"], cost["tree_mb"]))
    return lines


def _growth(path: Path, lines: Lines) -> Path:
    import matplotlib.pyplot as plt

    figure, both = plt.subplots(1, 2, figsize=(9, 4))
    colors = _peer_colors()
    for label, line in lines.items():
        ours = {"mincer": OURS, "by hand": THEIRS}.get(label)
        color = ours or colors.get(label, PALE)
        for axes, place in zip(both, (1, 2), strict=True):
            axes.plot(
                [point[0] / MB for point in line],
                [point[place] for point in line],
                marker="o",
                ms=4 if ours else 3,
                lw=2.2 if ours else 1,
                color=color,
                label=label,
                zorder=3 if ours else 2,
            )
    for axes, said in zip(both, ("wall seconds", "peak of the tree, MB"), strict=True):
        axes.set_xscale("log")
        _logarithmic(axes.yaxis)
        axes.set_xticks([1, 12, 120, 1000], ["1 MB", "12 MB", "120 MB", "1 GB"])
        axes.minorticks_off()
        axes.set_title(said)
        axes.grid(color=GRID, lw=0.6)
        axes.set_xlabel("size of the input (words)")
    figure.legend(
        *both[0].get_legend_handles_labels(),
        loc="center left",
        bbox_to_anchor=(0.92, 0.5),
    )
    return _saved(figure, path)


def _peers(path: Path, found: Sequence[Cell], kept: Kept) -> Path:
    """All programs on one line for each workload."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(8.5, 0.36 * len(found) + 1.2))
    native = {peer.label for peer in PEERS if peer.native}
    colors = {"mincer": OURS, "by hand": THEIRS, **_peer_colors()}
    for label, color in reversed(colors.items()):
        timed = [
            (kept[cell.key]["programs"][label]["wall_s"], place)
            for place, cell in enumerate(found)
            if "wall_s" in kept[cell.key]["programs"].get(label, {})
        ]
        axes.plot(
            [seconds for seconds, _ in timed],
            [place for _, place in timed],
            "D" if label in native else "o",
            ms=9 if label == "mincer" else 5.5,
            color=color,
            mfc="white" if label in native else color,
            label=f"{label} (native)" if label in native else label,
            ls="",
        )
    _logarithmic(axes.xaxis)
    axes.set_yticks(range(len(found)), [cell.title for cell in found])
    axes.set_ylim(len(found) - 0.4, -0.6)
    axes.grid(color=GRID, lw=0.6)
    axes.set_xlabel("wall seconds, command to exit")
    handles, labels = axes.get_legend_handles_labels()
    axes.legend(handles[::-1], labels[::-1], loc="center left", bbox_to_anchor=(1, 0.5))
    return _saved(figure, path)


def _peer_colors() -> dict[str, str]:
    return dict(zip((peer.label for peer in PEERS), PEER_COLORS, strict=False))
