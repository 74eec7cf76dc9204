"""What a person needs of a traceback: the frames of the user's own code."""

# Strategy: frames of mincer are left out wherever they are; what comes before the first
# frame of the user (the machinery that called it) too. What comes after stays, also
# inside libraries: there it went wrong. Frames are told apart by their module's name,
# and those of installed packages by the folder that such packages are in.

from __future__ import annotations

import sys
from types import FrameType
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import traceback

__all__ = ["ErrorText", "describe_error", "user_frames"]

#: A message may hold a whole record, and an error travels with every failed attempt.
_MESSAGE_CHARS_MAX = 2_000

#: About a screen and a half. Repeated frames are one line already, so that only
#: functions that call one another in turn until the stack ends come near it.
_TRACEBACK_CHARS_MAX = 6_000

#: No program has a call stack this deep, so nothing is cut before we look at it.
_LIMIT = 10**6


class ErrorText(NamedTuple):
    """An exception that need not be picklable, in words."""

    type_name: str
    message: str
    traceback: str


def describe_error(error: BaseException) -> ErrorText:
    """Turn `error` into text; works for every exception, with a broken str() too."""
    kind = type(error)
    name = kind.__qualname__
    if kind.__module__ not in ("builtins", "__main__"):
        name = f"{kind.__module__}.{name}"
    try:
        message = str(error)
    except Exception as failure:
        message = f"<its text cannot be made: {type(failure).__name__}>"
    return ErrorText(name, _cut(message, _MESSAGE_CHARS_MAX), user_frames(error))


def user_frames(error: BaseException) -> str:
    """The traceback of `error` and of what caused it, cut to the user's frames.

    Without any frame of the user: the last line alone ("TypeError: ...").
    """
    import traceback

    told = traceback.TracebackException.from_exception(
        error, limit=_LIMIT, lookup_lines=False
    )
    shown = _trim(told, error)
    lines = told.format() if shown else told.format_exception_only()
    return _cut("".join(lines), _TRACEBACK_CHARS_MAX)


def _trim(told: traceback.TracebackException, error: BaseException) -> bool:
    """Cut `told`, made of `error`, and all that is told with it; False when no frame
    is left anywhere."""
    import traceback

    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    kept = _kept(frames)
    shown = bool(kept)
    told.stack[:] = [told.stack[index] for index in kept]
    if told.__cause__ is not None and error.__cause__ is not None:
        shown |= _trim(told.__cause__, error.__cause__)
    if told.__context__ is not None and error.__context__ is not None:
        shown |= _trim(told.__context__, error.__context__)
    if told.exceptions and isinstance(error, BaseExceptionGroup):
        for one, inner in zip(told.exceptions, error.exceptions, strict=True):
            shown |= _trim(one, inner)
    return shown


def _kept(frames: list[FrameType]) -> list[int]:
    """The places in `frames` of those that are shown."""
    first = next((i for i, frame in enumerate(frames) if _is_user(frame)), None)
    if first is None:
        return []
    return [i for i in range(first, len(frames)) if not _is_ours(frames[i])]


def _module(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__") or "")


def _is_ours(frame: FrameType) -> bool:
    return _module(frame).partition(".")[0] == "mincer"


def _is_user(frame: FrameType) -> bool:
    """True for code that is neither ours, Python's nor an installed package's."""
    file = frame.f_code.co_filename.replace("\\", "/")
    if "/site-packages/" in file or "/dist-packages/" in file or _is_ours(frame):
        return False
    if file.startswith("<frozen "):
        return False
    top = _module(frame).partition(".")[0]
    return top not in sys.stdlib_module_names


def _cut(text: str, chars_max: int) -> str:
    """Keep the beginning and the end: the error's own line is the last one."""
    if len(text) <= chars_max:
        return text
    half = chars_max // 2
    left_out = len(text) - 2 * half
    return f"{text[:half]}\n… {left_out:,} characters left out …\n{text[-half:]}"
