"""A file of the input as the driver saw it, and which names nobody means."""

from typing import NamedTuple

__all__ = ["HIDDEN", "InputFile"]

#: Names that begin so are skipped where nobody named them: editors, version control
#: and jobs (`_SUCCESS`, `_temporary`) keep such files beside the data.
HIDDEN = (".", "_")


class InputFile(NamedTuple):
    """One with another size or time is another file."""

    path: str
    size_bytes: int
    #: Behind a URL, any number that another version has not.
    mtime_ns: int
