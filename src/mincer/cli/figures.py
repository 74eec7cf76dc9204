"""Numbers, sizes and times as people read them."""

from __future__ import annotations

__all__ = ["duration", "number", "size"]

_SIZES = (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("KB", 1e3))


def number(count: float) -> str:
    """1,234,567: whole, with the thousands apart."""
    return f"{count:,.0f}"


def size(size_bytes: float) -> str:
    """1.23 MB: decimal units and three digits, as `--memory` takes them."""
    for unit, unit_bytes in _SIZES:
        # 999,999 is 1.00 MB and not 1000 KB.
        if size_bytes >= unit_bytes * 0.9995:
            return f"{_three_digits(size_bytes / unit_bytes)} {unit}"
    return f"{size_bytes:.0f} B"


def duration(seconds: float) -> str:
    """0.12 s, 45 s, 3 min 05 s, 2 h 07 min."""
    if seconds < 9.95:
        return f"{seconds:.2f} s" if seconds < 0.995 else f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest:02} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours:,} h {minutes:02} min"


def _three_digits(figure: float) -> str:
    for digits, below in ((2, 9.995), (1, 99.95)):
        if figure < below:
            return f"{figure:.{digits}f}"
    return f"{figure:,.0f}"
