"""The user's own modules, unpacked once and made importable in this process."""

# Strategy: unpacked, and not imported from the zip: `__file__` must be a file. Whoever
# is first renames its folder into place; all others find it there. What only the first
# needs is imported by it alone: children find the folder, and start at once.

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from mincer.errors import SegmentError, ShipError

if TYPE_CHECKING:
    import zipfile

__all__ = ["install", "unpack"]


def install(source: str | bytes, digest: str, folder: str) -> str:
    """Make the modules of a `ModuleSet` importable in this process; return where they
    are.

    `source`: the zip, or where it lies; it is only read when `folder` does not hold the
    modules yet. Any number of processes may do this at once. May be called again.

    Raises:
        SegmentError: the zip is damaged.
        ShipError: other modules of these names are imported already.
    """
    unpacked = unpack(source, digest, folder)
    if unpacked not in sys.path:
        _check_not_imported(unpacked)
        sys.path.insert(0, unpacked)
    return unpacked


def unpack(source: str | bytes, digest: str, folder: str) -> str:
    """Unpack the modules of a `ModuleSet` below `folder`, if they are not there; return
    where they are. As `install`."""
    if len(digest) != 64 or not digest.isalnum():
        raise SegmentError(f"{digest[:80]!r} is no digest of modules")
    target = os.path.join(folder, digest)
    if os.path.isdir(target):
        return target
    import hashlib
    import io
    import shutil
    import tempfile
    import zipfile

    if isinstance(source, str):
        with open(source, "rb") as file:
            source = file.read()
    if hashlib.sha256(source).hexdigest() != digest:
        raise SegmentError("the modules of the job were damaged on their way")
    os.makedirs(folder, exist_ok=True)
    aside = tempfile.mkdtemp(prefix=f".{digest[:12]}-", dir=folder)
    try:
        with zipfile.ZipFile(io.BytesIO(source)) as archive:
            for info in archive.infolist():
                _unpack_one(archive, info, aside)
        os.rename(aside, target)
    except OSError:
        # Another process was first: its files are the same.
        if not os.path.isdir(target):
            raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return target


def _unpack_one(archive: zipfile.ZipFile, info: zipfile.ZipInfo, folder: str) -> None:
    path = os.path.normpath(os.path.join(folder, info.filename))
    if not path.startswith(os.path.join(folder, "")):
        raise SegmentError(f"the modules hold a file of name {info.filename!r}")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(archive.read(info))
    os.chmod(path, info.external_attr >> 16 & 0o777)


def _check_not_imported(unpacked: str) -> None:
    for entry in sorted(os.listdir(unpacked)):
        name = entry.partition(".")[0]
        if name not in sys.modules:
            continue
        file = getattr(sys.modules[name], "__file__", None)
        if file is None and _is_portion(os.path.join(unpacked, entry)):
            continue  # both are portions of one namespace package
        raise ShipError(
            f"the job's module {name} cannot be imported in a worker, which has "
            f"another one of this name: {file or 'a part of Python'}",
            hint="Rename the module. If it was only edited since an earlier job, "
            "start new workers.",
        )


def _is_portion(path: str) -> bool:
    """True for a folder of modules that is no package of its own."""
    return os.path.isdir(path) and not any(
        name.startswith("__init__.") for name in os.listdir(path)
    )
