"""Where the pairs go, as it was asked for."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from mincer.errors import UsageError, preview

if TYPE_CHECKING:
    from mincer.sinks.base import Sink

__all__ = ["sink_of"]

_FORMATS = ("tsv", "jsonl", "pickle", "lines")


def sink_of(output: object, format: object, overwrite: object) -> Sink | None:
    """Where the pairs go, as it was asked for."""
    if not isinstance(overwrite, bool):
        raise UsageError(f"overwrite must be True or False, not {preview(overwrite)}")
    if format is not None and (not isinstance(format, str) or format not in _FORMATS):
        raise UsageError(
            f"format must be one of {', '.join(_FORMATS)}, not {preview(format)}"
        )
    if output is None:
        for name, given in (("format", format), ("overwrite", overwrite)):
            if given:
                raise UsageError(
                    f"{name}={given!r} was given without an output",
                    hint="Give the folder that the pairs go to as well:  output='out'",
                )
        return None
    from mincer.sinks.base import Sink

    if isinstance(output, Sink):
        if format is not None or overwrite:
            raise UsageError("format and overwrite are for an output that is a folder")
        return output
    if not isinstance(output, str | os.PathLike) or not str(output):
        raise UsageError(f"output must be the path of a folder, not {preview(output)}")
    from mincer.sinks.files import FileSink

    sink: Sink = FileSink(output, format=format or "tsv", overwrite=overwrite)
    return sink
