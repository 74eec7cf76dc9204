"""A job file, given by path or by name, as an ordinary module of the user."""

from __future__ import annotations

import importlib
import os
import re
import sys
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType

from mincer.codec.tracebacks import user_frames
from mincer.errors import UsageError

__all__ = ["import_jobfile"]


def import_jobfile(path_or_module: str | os.PathLike[str]) -> ModuleType:
    """Import `jobs/wc.py`, or the module `jobs.wc`, for its functions.

    A file is imported under its stem, with its folder at the front of `sys.path` as
    Python does for a script; what is below `if __name__ == "__main__"` does not run.
    A module is looked for from the current folder on.

    Raises:
        UsageError: there is no such file or module, or it raised while it was imported.
    """
    given = os.fspath(path_or_module)
    path = Path(given)
    if path.is_file():
        return _import_file(path)
    looks_like_module = all(part.isidentifier() for part in given.split("."))
    if path.suffix != ".py" and looks_like_module and not path.is_dir():
        return _import_module(given)
    if path.is_dir():
        raise UsageError(
            f"{given} is a folder, not a job file",
            hint=_near(path / path.name)
            or "Give the Python file that defines the job.",
        )
    raise UsageError(f"there is no job file {given}", hint=_near(path))


def _import_file(path: Path) -> ModuleType:
    if path.suffix != ".py":
        raise UsageError(
            f"{path} is no Python file",
            hint="The job file comes first, then its input: mincer run job.py INPUT",
        )
    file = path.resolve()
    name = _name_for(file)
    loaded = sys.modules.get(name)
    if loaded is not None:
        return loaded
    folder = str(file.parent)
    if sys.path[:1] != [folder]:
        sys.path.insert(0, folder)
    from importlib.util import module_from_spec, spec_from_file_location

    loader = SourceFileLoader(name, str(file))
    spec = spec_from_file_location(name, file, loader=loader)
    assert spec is not None  # there is a loader
    module = module_from_spec(spec)
    sys.modules[name] = module
    try:
        loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise _import_error(str(path), error, _hint_for(file, error)) from error
    return module


def _name_for(file: Path) -> str:
    """The stem, unless that is no name or would hide another module."""
    stem = file.stem
    if stem.isidentifier() and not _means_another(stem, file):
        return stem
    name = "jobfile_" + re.sub(r"\W", "_", stem)
    while _means_another(name, file):
        name += "_"
    return name


def _means_another(name: str, file: Path) -> bool:
    if name in sys.stdlib_module_names or name in ("mincer", "__main__"):
        return True
    if name in sys.modules:
        origin = getattr(sys.modules[name], "__file__", None)
    else:
        from importlib.util import find_spec

        spec = find_spec(name)
        if spec is None:
            return False
        origin = spec.origin
        if origin is None:  # folders without __init__: any file goes before them
            return False
    return origin is None or Path(origin).resolve() != file


def _import_module(name: str) -> ModuleType:
    here = os.getcwd()
    if here not in sys.path and "" not in sys.path:
        sys.path.insert(0, here)
    try:
        return importlib.import_module(name)
    except (Exception, SystemExit) as error:
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        if missing and f"{name}.".startswith(f"{missing}."):
            raise UsageError(
                f"there is no job file or module {name}",
                hint=_near(Path(name.replace(".", os.sep) + ".py")),
            ) from None
        raise _import_error(name, error, None) from error


def _import_error(what: str, error: BaseException, hint: str | None) -> UsageError:
    told = f"{what} raised {type(error).__name__} while it was imported"
    if isinstance(error, SystemExit):
        hint = 'Put what should run as a script only below: if __name__ == "__main__":'
    return UsageError(told, user_traceback=user_frames(error), hint=hint)


def _hint_for(file: Path, error: BaseException) -> str | None:
    """A file inside a package has no package when it is given by its path."""
    if not isinstance(error, ImportError) or "relative import" not in str(error):
        return None
    parts = [file.stem]
    folder = file.parent
    while (folder / "__init__.py").exists():
        parts.insert(0, folder.name)
        folder = folder.parent
    if len(parts) == 1:
        parts.insert(0, folder.name)
        folder = folder.parent
    return f"Give it as a module, from {folder}:  mincer run {'.'.join(parts)}"


def _near(path: Path) -> str | None:
    """The Python files that may have been meant."""
    import difflib

    folder = path.parent
    names = sorted(one.name for one in folder.glob("*.py")) if folder.is_dir() else []
    near = difflib.get_close_matches(f"{path.stem}.py", names, n=3)
    if not near:
        return None
    return "Did you mean " + ", ".join(str(folder / name) for name in near) + "?"
