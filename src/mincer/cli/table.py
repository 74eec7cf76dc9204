"""Tables for people: plain text, aligned, and 80 columns wide where that can be."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["COLUMNS_MAX", "cut", "printable", "table"]

COLUMNS_MAX = 80
_GAP = "  "
#: What gives way to the other columns keeps so much.
_KEPT_MIN = 8


def table(
    heads: Sequence[str], rows: Sequence[Sequence[str]], right: str, shrink: str
) -> list[str]:
    """The lines of a table. `right`: the heads, in one text, of columns that are set
    to the right; `shrink`: the head of the one that is cut when all are too wide."""
    cells = [heads, *([printable(text) for text in row] for row in rows)]
    widths = [max(map(_width, column)) for column in zip(*cells, strict=True)]
    over = sum(widths) + len(_GAP) * (len(widths) - 1) - COLUMNS_MAX
    nth = heads.index(shrink)
    if over > 0:
        widths[nth] = max(_KEPT_MIN, len(shrink), widths[nth] - over)
    rights = right.split()
    lines = []
    for row in cells:
        line = []
        for head, text, width in zip(heads, row, widths, strict=True):
            shown = cut(text, width)
            blanks = " " * (width - _width(shown))
            line.append(blanks + shown if head in rights else shown + blanks)
        lines.append(_GAP.join(line).rstrip())
    return lines


def printable(text: str) -> str:
    """What others called something, without what would do things to a terminal."""
    return "".join(one if one.isprintable() else "?" for one in text)


def cut(text: str, width: int) -> str:
    """The text, or its beginning and an ellipsis."""
    if _width(text) <= width:
        return text
    if text.isascii():
        return f"{text[: width - 1]}…"
    from rich.cells import set_cell_size

    return f"{set_cell_size(text, width - 1)}…"


def _width(text: str) -> int:
    """How many columns a terminal needs for it: some letters take two."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)
