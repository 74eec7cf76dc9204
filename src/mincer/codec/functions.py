"""The user's functions as bytes, and back; and values that plain pickle refuses."""

# Strategy: what is in `__main__` travels by value, what is in modules by reference (see
# `mincer.worker.modules` for how those get there). The classes of the driver's
# `__main__` are put into that of the loading process under their own names: so plain
# pickle takes their instances by reference, and in the driver that is its own class.
# Those that the functions reach are there at once; the others (only the data may
# hold them) are built when something asks `__main__` for them, because a class that
# nobody uses must neither fail the job nor make it slow.
#
# The bytes: two for the version of Python (code objects fit no other), then two pickles
# with one memo: the functions; the classes, spare classes and sources.

from __future__ import annotations

import contextlib
import importlib
import io
import linecache
import pickle
import sys
from types import CodeType
from typing import TYPE_CHECKING, Any, NamedTuple

from mincer.codec.imports import imports_of, nested_codes
from mincer.codec.tracebacks import user_frames
from mincer.errors import ShipError

if TYPE_CHECKING:
    from mincer.codec.pickler import Pickler, Reach

__all__ = ["dump", "dump_reaching", "dump_value", "load"]

#: A class of `__main__` that no function reaches is sent only if it is small: its
#: methods may use a global table of a gigabyte.
_SPARE_BYTES_MAX = 2**20

#: Source of code that travels by value, for tracebacks and inspect.getsource. A
#: script or a cell is a few kB; longer files are told by number of line only.
_SOURCE_CHARS_MAX = 2**20

_VERSION = bytes(sys.version_info[:2])

#: Spare classes of the driver's `__main__` that this process has not built yet.
_spare: dict[str, bytes] = {}
#: What `load` put into this process's `__main__`.
_installed: dict[str, type] = {}


class _Extras(NamedTuple):
    #: To be imported, for code that does not do it itself.
    submodules: list[str]
    classes: dict[str, type]
    spare: dict[str, bytes]
    sources: dict[str, list[str]]


def dump(obj: object) -> bytes:
    """Encode `obj` (a bundle of user functions) for `load` in another process.

    Raises:
        ShipError: names what cannot travel, how it is reached, where it comes from.
    """
    return dump_reaching(obj)[0]


def dump_reaching(obj: object) -> tuple[bytes, Reach]:
    """As `dump`; also return which modules and imports the loading process needs."""
    from mincer.codec.pickler import Pickler

    file = io.BytesIO()
    file.write(_VERSION)
    pickler = Pickler(file, renew=True)
    reach = pickler.reach
    _dump_checked(pickler, obj)
    classes = dict(reach.classes)
    spare = _spare_classes(reach)
    codes = [code for code, _ in reach.codes]
    submodules = _submodules(codes)
    reach.modules.update(submodules)
    extras = _Extras(submodules, classes, spare, _sources(codes))
    _dump_checked(pickler, extras)
    return file.getvalue(), reach


def _dump_checked(pickler: Pickler, obj: object) -> None:
    try:
        pickler.dump(obj)
    except Exception as error:
        from mincer.codec.capture import bundle_error

        raise bundle_error(obj, error) from error


def load(data: bytes, *, install: bool = True) -> Any:
    """Decode what `dump` made.

    `install`: put the classes of the driver's `__main__` into that of this process. A
    name that was there before is left alone.

    Raises:
        ShipError: it cannot be loaded here: a library is missing, another Python.
    """
    if bytes(data[:2]) != _VERSION:
        made, here = (".".join(map(str, one)) for one in (data[:2], _VERSION))
        raise ShipError(
            f"functions from Python {made} cannot be loaded by Python {here}",
            hint="Run the driver and its workers with the same version of Python.",
        )
    unpickler = pickle.Unpickler(io.BytesIO(memoryview(data)[2:]))
    try:
        bundle = unpickler.load()
        extras: _Extras = unpickler.load()
    except (Exception, SystemExit) as error:
        raise _load_error(error) from error
    for name in extras.submodules:
        # If it is not here, the code that uses it tells, or does without it.
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    if install:
        _install(extras)
    return bundle


def dump_value(obj: object) -> bytes:
    """Encode keys or values for `pickle.loads`, also those that plain pickle refuses.

    An instance of a class made inside a function comes back, in the process where the
    class was made, as an instance of that same class.

    Raises:
        ShipError: shows what cannot leave the process, and its type.
    """
    try:
        return pickle.dumps(obj, 5)
    except Exception:
        from mincer.codec.pickler import Pickler

        file = io.BytesIO()
        try:
            Pickler(file).dump(obj)
        except Exception as error:
            from mincer.codec.capture import value_error

            raise value_error(obj, error) from error
        return file.getvalue()


def _spare_classes(reach: Reach) -> dict[str, bytes]:
    """The classes of `__main__` that `reach` lacks; add to it what they need."""
    from mincer.codec.pickler import Pickler

    spare = {}
    for name, kind in list(vars(sys.modules["__main__"]).items()):
        own = isinstance(kind, type) and kind.__module__ == "__main__"
        if not own or name in reach.classes or kind.__qualname__ != name:
            continue
        file = _SmallFile()
        pickler = Pickler(file, renew=True)
        try:
            pickler.dump(kind)
        except Exception:
            # Nothing is known to need it. If data does, reading that data names it.
            continue
        spare[name] = file.getvalue()
        # The classes that it reaches travel with it; they are no classes of `obj`.
        reach.modules |= pickler.reach.modules
        reach.codes += pickler.reach.codes
    return spare


class _SmallFile(io.BytesIO):
    def write(self, data: Any) -> int:
        if self.tell() + memoryview(data).nbytes > _SPARE_BYTES_MAX:
            raise OverflowError("larger than a spare class may be")
        return super().write(data)


def _sources(codes: list[CodeType]) -> dict[str, list[str]]:
    """The lines of every file that `codes` come from, as far as they are known."""
    sources = {}
    for name in {one.co_filename for code in codes for one in nested_codes(code)}:
        lines = linecache.getlines(name)
        if lines and sum(map(len, lines)) <= _SOURCE_CHARS_MAX:
            sources[name] = lines
    return dict(sorted(sources.items()))


def _submodules(codes: list[CodeType]) -> list[str]:
    """Submodules that code uses by what others imported.

    After `import a.b` at the top of a script, a function that says `import a.c` can use
    `a.b` as well. (cloudpickle sees to it only where `a` is a global.)
    """
    used = set()
    for code in {inner for one in codes for inner in nested_codes(one)}:
        tops = {one.name.partition(".")[0] for one in imports_of(code) if not one.names}
        for name in list(sys.modules):
            top, *below = name.split(".")
            if below and top in tops and set(below).issubset(code.co_names):
                used.add(name)
    return sorted(used)


def _install(extras: _Extras) -> None:
    main = sys.modules["__main__"]
    for name, kind in extras.classes.items():
        _spare.pop(name, None)
        _put(name, kind)
    for name, data in extras.spare.items():
        if _absent(name):
            vars(main).pop(name, None)
            _spare[name] = data
    if _spare and "__getattr__" not in vars(main):
        vars(main)["__getattr__"] = _spare_class
    for name, lines in extras.sources.items():
        # A file of that name may be here and be another: the driver knows better. An
        # entry without a time is of the same kind as ours, or ours.
        known = linecache.cache.get(name)
        if known is None or known[1:2] == (None,):
            size = sum(map(len, lines))
            linecache.cache[name] = (size, None, lines, name)


def _put(name: str, kind: type) -> None:
    if _absent(name):
        vars(sys.modules["__main__"])[name] = kind
        _installed[name] = kind


def _absent(name: str) -> bool:
    """True when `__main__` has nothing of its own under this name: a job that comes
    later may bring a class that its user has defined anew."""
    main = vars(sys.modules["__main__"])
    return name not in main or main[name] is _installed.get(name)


def _spare_class(name: str) -> type:
    """`__main__.__getattr__`: build a spare class when it is first asked for."""
    data = _spare.pop(name, None)
    if data is None:
        raise AttributeError(f"module '__main__' has no attribute {name!r}")
    kind: type = pickle.loads(data)
    _put(name, kind)
    return kind


def _load_error(error: BaseException) -> ShipError:
    what = (
        f"the functions cannot be loaded in a worker: {type(error).__name__}: {error}"
    )
    hint = None
    if isinstance(error, ImportError) and error.name:
        hint = f"Install what provides {error.name!r} where the workers run."
    return ShipError(what, hint=hint, user_traceback=user_frames(error))
