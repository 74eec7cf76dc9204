"""Where records come from: files as lines, blocks, JSON or CSV, and objects in memory.

Each function checks its arguments and returns a `Source`; nothing is opened before the
job runs. `tag` chooses the mapfn when a job has a dict of them, and is what
`mincer.context().tag` says.

`paths` is a file, a folder (all files below it, sorted, without those whose names
begin with `.` or `_`), a glob (`**` for any folders), `-` for the standard input, or a
list of those. It may be a URL (s3://… or what else fsspec knows: `mincer[remote]`),
which each worker reads for itself. Files that end in .gz, .bz2, .xz or .zst are
decompressed. Large files are read in pieces, at once; compressed ones and those in
UTF-16 or UTF-32 in one. Small ones share a split. `split_size` ("64MB", or bytes) is
the size of a piece; by default it follows from the size of the whole input.

Keys of `text`, `blocks`, `jsonl` and `csv` are the byte offsets at which lines start in
their (decompressed) file; a line ends at \\n or \\r\\n and nothing else.
"""

# Strategy: the names live here, what they do in modules that are imported when used. No
# module has the name of a function: importing it would put it in the function's place.

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

from mincer.sources.base import Source, Split

if TYPE_CHECKING:
    from os import PathLike

    from mincer.sources.paths import Paths
    from mincer.sources.text_lines import KeyKind

__all__ = [
    "Source",
    "Split",
    "blocks",
    "csv",
    "files",
    "items",
    "jsonl",
    "output",
    "text",
]


def text(
    paths: Paths,
    *,
    key: KeyKind = "offset",
    encoding: str = "utf-8",
    errors: str = "strict",
    split_size: str | int | None = None,
    tag: str | None = None,
) -> Source:
    """Each line is a value, without its line end.

    `key`: "offset" is the byte offset of the line, "path" is (path, offset), "none" is
    None. A byte order mark at the start of a file is not part of the line. `errors` is
    that of `bytes.decode`; with "strict" a line that is no text fails the job, and the
    error names its file and offset.
    """
    from mincer.sources.text_lines import TextSource

    return TextSource(
        paths,
        key=key,
        encoding=encoding,
        errors=errors,
        split_size=split_size,
        tag=tag,
    )


def blocks(
    paths: Paths,
    *,
    size: str | int = "1MB",
    encoding: str | None = "utf-8",
    errors: str = "strict",
    tag: str | None = None,
) -> Source:
    """Each value is a piece of text of about `size` that ends at a line end, for
    functions that take many lines at a time. With `encoding=None` it is bytes.

    The lines that start in the first `size` bytes of a file are its first block, and so
    on: the blocks do not depend on how a file is split.
    """
    from mincer.sources.text_blocks import BlockSource

    return BlockSource(paths, size=size, encoding=encoding, errors=errors, tag=tag)


def files(paths: Paths, *, tag: str | None = None) -> Source:
    """Each file is a value, as bytes; its path is the key."""
    from mincer.sources.whole_files import WholeFileSource

    return WholeFileSource(paths, tag=tag)


def jsonl(
    paths: Paths, *, split_size: str | int | None = None, tag: str | None = None
) -> Source:
    """Each line is a JSON value; blank lines are left out."""
    from mincer.sources.json_lines import JsonSource

    return JsonSource(paths, split_size=split_size, tag=tag)


def csv(
    paths: Paths,
    *,
    delimiter: str = ",",
    encoding: str = "utf-8",
    split_size: str | int | None = None,
    tag: str | None = None,
) -> Source:
    """Each row is a dict of str, by the header: the first row of its own file.

    Blank lines are left out; a row with more or fewer fields than the header is an
    error. A file in which a quoted field holds a line end is read in one piece. Of
    stdin the first row is the header.
    """
    from mincer.sources.csv_rows import CsvSource

    return CsvSource(
        paths, delimiter=delimiter, encoding=encoding, split_size=split_size, tag=tag
    )


def items(obj: Any, *, tag: str | None = None) -> Source:
    """The items of an object of this program.

    A list or tuple: its items are the values, their positions the keys. A mapping, or
    any class with `__iter__` and `__getitem__`: its keys and values, read one by one.
    Any other iterable must yield pairs (key, value): `items(enumerate(x))` numbers what
    does not.
    """
    from mincer.sources.memory import ItemSource

    return ItemSource(obj, tag=tag)


def output(folder: str | PathLike[str], *, tag: str | None = None) -> Source:
    """The (key, value) pairs that an earlier job wrote into a folder, in any format.

    Of format `lines` only the values were written: keys are None.
    """
    from mincer.sources.output import OutputSource

    return OutputSource(folder, tag=tag)


class _Package(ModuleType):
    """Keeps the function `output`, which its module would replace when imported."""

    def __setattr__(self, name: str, value: object) -> None:
        if name != "output" or not isinstance(value, ModuleType):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
