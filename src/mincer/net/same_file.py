"""Whether a path means the same file on two machines."""

# Strategy: an equal path proves nothing, and to read a whole file takes as long as the
# job. Its size, its time of change and a digest of its head and tail are what two files
# do not share by accident.

from __future__ import annotations

import hashlib
import os

from mincer.wire.frames import FileTold

__all__ = ["ONLY_DRIVER", "file_told", "is_here", "seems_here"]

_END_BYTES = 4096
#: In place of a digest: what only the driver has, whatever lies under that path here.
ONLY_DRIVER = bytes(16)


def file_told(path: str, size_bytes: int, mtime_ns: int) -> FileTold:
    """The file as others may find it again. One that cannot be read any more is told
    too: who reads it has the error."""
    try:
        digest = _digest(path, size_bytes)
    except OSError:
        digest = ONLY_DRIVER
    name, whole = os.fsencode(path), os.fsencode(os.path.abspath(path))
    return FileTold(name, whole, size_bytes, mtime_ns, digest)


def is_here(told: FileTold) -> bool:
    """True when this process can read that file."""
    if not seems_here(told):
        return False
    try:
        return _digest(os.fsdecode(told.path), told.size_bytes) == told.digest
    except OSError:
        return False


def seems_here(told: FileTold) -> bool:
    """False when this process surely cannot read that file; costs no read."""
    if told.digest == ONLY_DRIVER:
        return False
    try:
        found = os.stat(os.fsdecode(told.path))
    except (OSError, ValueError):  # a path may hold what no path here may
        return False
    return (found.st_size, found.st_mtime_ns) == (told.size_bytes, told.mtime_ns)


def _digest(path: str, size_bytes: int) -> bytes:
    digest = hashlib.blake2b(digest_size=16)
    with open(path, "rb", buffering=0) as file:
        digest.update(file.read(_END_BYTES))
        file.seek(max(0, size_bytes - _END_BYTES))
        digest.update(file.read(_END_BYTES))
    return digest.digest()
