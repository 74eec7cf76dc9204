"""What a process of an engine keeps for jobs: a folder, and the user's modules."""

from __future__ import annotations

import filecmp
import os
import sys

from mincer.net.same_folder import sees_token
from mincer.store.folder import OwnedFolder
from mincer.worker.modules import ModuleSet
from mincer.worker.origins import find
from mincer.worker.unpack import install as install_unpacked
from mincer.worker.unpack import unpack

__all__ = ["folder", "install", "is_shared"]

_folder: OwnedFolder | None = None
_pid = 0
#: The folder of the modules that are importable now, and what is in it.
_installed: dict[str, tuple[str, ...]] = {}
#: What was found of each folder of an output.
_shared: dict[tuple[bytes, bytes], bool] = {}


def folder() -> str:
    """A folder for files of this process, on the disk that its engine was given."""
    global _folder, _pid
    if _folder is None or _pid != os.getpid():
        # Spark says by this where there is room, and others by TMPDIR.
        parents = os.environ.get("SPARK_LOCAL_DIRS", "").split(",")
        _folder, _pid = OwnedFolder(parents[0] or None), os.getpid()
    return _folder.path


def install(modules: ModuleSet) -> None:
    """Make the user's modules importable; those of the same names that an earlier job
    brought are forgotten: a worker of an engine lives longer than a job."""
    if not modules.names:
        return
    unpacked = unpack(modules.data, modules.digest, os.path.join(folder(), "code"))
    if unpacked in _installed:
        return
    if all(_is_here(name, unpacked) for name in modules.names):
        return
    names = frozenset(modules.names)
    for before, its_names in list(_installed.items()):
        if names & frozenset(its_names):
            del _installed[before]
            sys.path.remove(before)
            _forget(before)
    install_unpacked(modules.data, modules.digest, os.path.join(folder(), "code"))
    _installed[unpacked] = modules.names


def _is_here(name: str, unpacked: str) -> bool:
    """True when this process imports the same module anyway, as in the driver's own."""
    origin = find(name)
    if origin is None:
        return False
    files = origin.files()
    return bool(files) and all(
        filecmp.cmp(path, os.path.join(unpacked, inside), shallow=False)
        for inside, path in files.items()
    )


def _forget(path: str) -> None:
    """Import no module of this folder again from memory."""
    import importlib

    inside = os.path.join(path, "")
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None) or ""
        if file.startswith(inside):
            del sys.modules[name]
    importlib.invalidate_caches()


def is_shared(token: tuple[bytes, bytes]) -> bool:
    """True when this process sees the folder of the output, and may write there."""
    if token not in _shared:
        _shared.clear()
        _shared[token] = sees_token(token)
    return _shared[token]
