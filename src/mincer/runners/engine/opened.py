"""A split in the worker of an engine, with the bytes that it needs of the driver."""

from __future__ import annotations

import pickle
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from mincer.runners.engine.parcel import Input, OwnBytes
from mincer.runners.engine.place import folder
from mincer.sources.base import Split
from mincer.sources.copies import Copy, using

__all__ = ["opened"]


@contextmanager
def opened(source: Input | Split) -> Iterator[Split]:
    """The split itself, with the bytes that it needs of the driver."""
    if isinstance(source, Split):
        yield source
        return
    packet, nth = source.packed
    split: Split = pickle.loads(packet)[nth]
    with _laid_out(source.own_bytes) as copies, using(copies):
        yield split


@contextmanager
def _laid_out(own_bytes: Sequence[OwnBytes]) -> Iterator[dict[str, Copy]]:
    """Bytes of the driver's files, in files of this machine at the same offsets."""
    by_path: dict[str, list[tuple[int, bytes]]] = {}
    for path, offset, data in own_bytes:
        by_path.setdefault(path, []).append((offset, data))
    copies: dict[str, Copy] = {}
    with ExitStack() as files:
        for path, pieces in by_path.items():
            file = files.enter_context(tempfile.NamedTemporaryFile(dir=folder()))
            for offset, data in pieces:
                file.seek(offset)
                file.write(data)
            file.flush()
            copies[path] = Copy(file.name, _ranges(pieces))
        yield copies


def _ranges(pieces: list[tuple[int, bytes]]) -> tuple[tuple[int, int], ...]:
    """Where these bytes are, in order and apart."""
    found: list[tuple[int, int]] = []
    for offset, data in sorted(pieces):
        if found and found[-1][1] >= offset:
            found[-1] = found[-1][0], max(found[-1][1], offset + len(data))
        else:
            found.append((offset, offset + len(data)))
    return tuple(found)
