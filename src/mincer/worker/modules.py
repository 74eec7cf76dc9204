"""The user's own modules as source: found on the driver, and packed."""

# Strategy: what the functions take by reference, and whatever that imports in turn, is
# looked up the way `import` does it, without running anything. A module that is the
# user's (`mincer.worker.origins`) brings its whole top-level package, data files too:
# imports that are computed, and files beside the code, work without being found. All of
# it becomes one zip, named by its digest, that is unpacked beside the children.

from __future__ import annotations

import io
import sys
from collections.abc import Iterable
from pathlib import Path
from types import CodeType
from typing import TYPE_CHECKING

from mincer.codec.functions import dump_reaching
from mincer.codec.imports import absolute, imports_of
from mincer.errors import ShipError
from mincer.limits import MODULES_BYTES_MAX
from mincer.structs import Struct
from mincer.worker.origins import Origin, find

if TYPE_CHECKING:
    from mincer.codec.pickler import Reach

__all__ = ["ModuleSet", "collect", "collect_reach"]

#: The time of every file in the zip (the first a zip knows), so that equal files make
#: equal bytes.
_TIME = (1980, 1, 1, 0, 0, 0)


class ModuleSet(Struct):
    """The user's modules that a job reaches. Without any, `names` is empty."""

    #: SHA-256 of `data`, in hexadecimal.
    digest: str
    #: A zip, not compressed: what carries it may do that, and equal files make equal
    #: bytes whatever zlib is installed.
    data: bytes
    #: The top-level modules and packages in it, sorted.
    names: tuple[str, ...]


def collect(objects: Iterable[object]) -> ModuleSet:
    """Pack the user's modules that `objects` reach (functions, classes, bundles).

    Raises:
        ShipError: something cannot be sent: an object, a module, too many bytes.
    """
    return collect_reach(dump_reaching(tuple(objects))[1])


def collect_reach(reach: Reach) -> ModuleSet:
    """As `collect`, for what `dump_reaching` found."""
    import hashlib

    found = _user_modules(reach)
    files: dict[str, Path] = {}
    try:
        for origin in found:
            files.update(origin.files())
        _check_size(files)
        data = _zipped(files)
    except OSError as error:
        raise ShipError(
            f"{error.filename}, part of a module that the job uses, cannot be read: "
            f"{error.strerror}"
        ) from error
    names = tuple(origin.name for origin in found)
    return ModuleSet(hashlib.sha256(data).hexdigest(), data, names)


def _user_modules(reach: Reach) -> list[Origin]:
    """The top-level modules of the user that `reach` needs, by name."""
    found: dict[str, Origin | None] = {}
    pending = sorted(reach.modules)
    for code, package in reach.codes:
        pending += _imported(code, package)
    while pending:
        parts = pending.pop().split(".")
        for length in range(1, len(parts) + 1):
            name = ".".join(parts[:length])
            if name not in found:
                found[name] = find(name)
                pending += _needs(found[name])
            if found[name] is None:
                break
    tops = [name for name in sorted(found) if "." not in name]
    return [origin for name in tops if (origin := found[name]) is not None]


def _needs(origin: Origin | None) -> list[str]:
    """Names of modules that the module at `origin` may import; not all are there."""
    if origin is None:
        return []
    needs = []
    if "." not in origin.name:
        # What the driver has imported of it so far, the functions may use as well.
        inside = origin.name + "."
        needs += [name for name in list(sys.modules) if name.startswith(inside)]
    code = origin.code()
    if code is not None:
        needs += _imported(code, origin.package)
    return needs


def _imported(code: CodeType, package: str | None) -> list[str]:
    return [
        name for statement in imports_of(code) for name in absolute(statement, package)
    ]


def _check_size(files: dict[str, Path]) -> None:
    sizes = {name: path.stat().st_size for name, path in files.items()}
    total = sum(sizes.values())
    if total <= MODULES_BYTES_MAX:
        return
    largest = sorted(sizes, key=lambda name: (-sizes[name], name))[:5]
    shown = "\n".join(f"  {sizes[one] / 1e6:8.1f} MB  {files[one]}" for one in largest)
    raise ShipError(
        f"the modules that the job uses, with the files beside them, are "
        f"{total / 1e6:,.0f} MB; at most {MODULES_BYTES_MAX / 1e6:,.0f} MB can be "
        f"sent to the workers. The largest:\n{shown}",
        hint="Move data out of the package's folder, and open it by its path.",
    )


def _zipped(files: dict[str, Path]) -> bytes:
    import zipfile

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            path = files[name]
            info = zipfile.ZipInfo(name, _TIME)
            info.create_system = 3  # Unix, on every system
            runs = path.stat().st_mode & 0o100
            info.external_attr = (0o755 if runs else 0o644) << 16
            archive.writestr(info, path.read_bytes())
    return buffer.getvalue()
