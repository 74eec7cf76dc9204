"""Where a module comes from, and whether it is the user's own."""

# Strategy: a module is the user's unless it is Python's own, installed (it lies in a
# site-packages folder), or ours: an installed one is there in the worker, too, or pip
# can put it there. The real path decides, so that editable installs are the user's.
# Nothing is imported to find a module: `importlib.util.find_spec("a.b")` would run
# `a/__init__.py`, and with it whatever the user's package does.

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.machinery import (
    ModuleSpec,
    PathFinder,
    SourceFileLoader,
    all_suffixes,
)
from pathlib import Path
from types import CodeType

from mincer.errors import ShipError
from mincer.structs import Struct

__all__ = ["Origin", "find"]

#: Folders inside a package that are no part of it.
_SKIPPED = frozenset({"__pycache__", "site-packages", "node_modules"})


class Origin(Struct):
    """Where one module or package of the user comes from."""

    #: Its full name.
    name: str
    #: The file that runs when it is imported; None for a package without __init__.
    file: Path | None
    #: The folders of a package; several when it is spread over the path.
    folders: tuple[Path, ...] = ()

    @property
    def package(self) -> str:
        """What relative imports in it start from."""
        return self.name if self.folders else self.name.rpartition(".")[0]

    def code(self) -> CodeType | None:
        """Its compiled source, to look at; None when there is none that compiles."""
        if self.file is None or self.file.suffix != ".py":
            return None
        with warnings.catch_warnings():
            # They were told, or will be, when the module is really imported.
            warnings.simplefilter("ignore")
            try:
                return SourceFileLoader(self.name, str(self.file)).get_code(self.name)
            except (SyntaxError, ValueError, OSError):
                # It may never be imported; if it is, that import tells.
                return None

    def files(self) -> dict[str, Path]:
        """Every file that goes along, by its path in the zip (for a top-level name)."""
        if not self.folders:
            assert self.file is not None
            return {self.name + _suffix(self.file): self.file}
        found: dict[str, Path] = {}
        for folder in self.folders:
            for path in _files_below(folder, frozenset()):
                inside = path.relative_to(folder).as_posix()
                found.setdefault(f"{self.name}/{inside}", path)
        if self.file is not None:
            # Loaded under another name than that of its file.
            found.setdefault(f"{self.name}/__init__{_suffix(self.file)}", self.file)
        return found


def _suffix(file: Path) -> str:
    longest_first = sorted(all_suffixes(), key=len, reverse=True)
    return next((one for one in longest_first if file.name.endswith(one)), ".py")


def _files_below(folder: Path, parents: frozenset[str]) -> Iterator[Path]:
    """The regular files below `folder`, in order, through links that make no circle."""
    real = os.path.realpath(folder)
    if real in parents:
        return
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.name in _SKIPPED:
            continue
        if path.is_file():
            yield path
        elif path.is_dir() and not (path / "pyvenv.cfg").exists():
            yield from _files_below(path, parents | {real})


def find(name: str) -> Origin | None:
    """Where the user's module `name` comes from.

    None when it is not the user's, or not there: an optional import may fail.

    Raises:
        ShipError: it is the user's, but not in a file that can be sent.
    """
    if name.partition(".")[0] in ("mincer", "__main__"):
        return None
    spec = _spec(name)
    if spec is None:
        return None
    folders = tuple(map(Path, spec.submodule_search_locations or ()))
    folders = tuple(one for one in folders if _is_users(one))
    file = None
    if spec.has_location and spec.origin is not None:
        file = Path(spec.origin)
        if not _is_users(file):
            return None
    if file is None and not folders:
        return None
    if file is not None and not file.is_file():
        raise ShipError(
            f"the module {name} comes from {file}, which is no file of its own",
            hint="Unpack the archive that it is in, and put that on sys.path.",
        )
    if name in sys.stdlib_module_names:
        raise ShipError(
            f"the module {file or folders[0]} has the name of one of Python's own",
            hint="Rename it: in a worker, Python's module of this name is in use.",
        )
    return Origin(name, file, folders)


def _spec(name: str) -> ModuleSpec | None:
    module = sys.modules.get(name)
    spec = getattr(module, "__spec__", None)
    if spec is not None and spec.name == name:
        return _as_it_is_now(spec, getattr(module, "__path__", None))
    file = getattr(module, "__file__", None)
    if file is not None:  # made by hand
        return _located(name, file)
    return _search(name)


def _as_it_is_now(spec: ModuleSpec, path: Sequence[str] | None) -> ModuleSpec:
    """`spec` with the folders that a package may have added to its `__path__`."""
    if path is None or spec.submodule_search_locations is None:
        return spec
    now = ModuleSpec(spec.name, spec.loader, origin=spec.origin, is_package=True)
    now.has_location = spec.has_location
    now.submodule_search_locations = list(path)
    return now


def _located(name: str, file: str) -> ModuleSpec:
    spec = ModuleSpec(name, None, origin=file)
    spec.has_location = True
    return spec


def _search(name: str) -> ModuleSpec | None:
    """Ask the finders as `import` would, but import no parent."""
    path = None
    parent = name.rpartition(".")[0]
    if parent:
        above = _spec(parent)
        if above is None or above.submodule_search_locations is None:
            return None
        path = list(above.submodule_search_locations)
    for finder in sys.meta_path:
        if finder is PathFinder and path is not None:
            spec = _search_folders(name, path)
        else:
            find_spec = getattr(finder, "find_spec", None)
            spec = None if find_spec is None else find_spec(name, path)
        if spec is not None:
            return spec
    return None


def _search_folders(name: str, folders: list[str]) -> ModuleSpec | None:
    """As `PathFinder.find_spec`, which needs the parents of a package without
    __init__ to be imported."""
    from pkgutil import get_importer

    portions: list[str] = []
    for folder in folders:
        finder = get_importer(folder)
        spec = None if finder is None else finder.find_spec(name)
        if spec is not None and spec.loader is not None:
            return spec
        if spec is not None:
            portions += spec.submodule_search_locations or ()
    if not portions:
        return None
    package = ModuleSpec(name, None, is_package=True)
    package.submodule_search_locations = portions
    return package


def _is_users(path: Path) -> bool:
    real = os.path.realpath(path)
    parts = Path(real).parts
    if "site-packages" in parts or "dist-packages" in parts:
        return False
    return not any(real.startswith(root + os.sep) for root in _installed_roots())


@cache
def _installed_roots() -> frozenset[str]:
    """The folders of Python and of what pip installs, as real paths."""
    import site
    import sysconfig

    names = ("stdlib", "platstdlib", "purelib", "platlib")
    roots = {sysconfig.get_path(name) for name in names}
    roots |= {*site.getsitepackages(), site.getusersitepackages()}
    return frozenset(os.path.realpath(root) for root in roots if root)
