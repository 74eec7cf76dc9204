"""The pickler for the user's functions: cloudpickle, and what it leaves out."""

# Strategy: cloudpickle takes functions and classes of importable modules by reference
# and those of `__main__` by value. Added here:
# * what the pickled objects reach is written down (`Reach`), so that the modules can be
#   sent along and the classes of `__main__` be put in place on the other side;
# * modules that are in no file (made by exec, or `__mp_main__`) go by value too;
# * things that pickle as a bare name, which names nothing in a child's `__main__`
#   (lru_cache, NewType), and things that hold a lock or a weak reference although they
#   need not travel with it (cached_property, singledispatch), are made again;
# * a class that comes back to where it was made is left as it is there: cloudpickle
#   finds the class again but sets all its attributes anew, with copies of the methods
#   that have other globals.
# This module imports cloudpickle (25 ms), so it is itself imported on first use.

from __future__ import annotations

import functools
import sys
import typing
import weakref
from collections.abc import Callable
from types import CodeType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from mincer.structs import Struct, field

if TYPE_CHECKING:  # cloudpickle has no type hints
    from pickle import Pickler as _Pickler

    def _register(module: ModuleType) -> None: ...
else:
    from cloudpickle import Pickler as _Pickler
    from cloudpickle import register_pickle_by_value as _register

__all__ = ["Pickler", "Reach", "Target", "by_reference"]

#: Classes that were made in this process and sent from it.
_own: weakref.WeakSet[type] = weakref.WeakSet()
#: Classes that came here as bytes.
_arrived: weakref.WeakSet[type] = weakref.WeakSet()


class Reach(Struct, frozen=False):
    """What a pickle needs in the process that loads it."""

    #: Modules that something is taken from by reference.
    modules: set[str] = field(default_factory=set)
    #: Code that travels by value, with the package that its relative imports mean.
    codes: list[tuple[CodeType, str | None]] = field(default_factory=list)
    #: Top-level classes of `__main__`, by name.
    classes: dict[str, type] = field(default_factory=dict)

    def add(self, other: Reach) -> None:
        """Take in what another pickle of the same job needs."""
        self.modules |= other.modules
        self.codes += other.codes
        self.classes |= other.classes


class Target(Protocol):
    """Where a pickle is written to."""

    def write(self, data: bytes, /) -> object: ...


class Pickler(_Pickler):
    """A cloudpickle Pickler that writes down what it reaches.

    `renew`: a class that the loading process has from an earlier pickle gets the
    attributes that it has now (a job that runs again). Not for keys and values: the
    class that comes with each column would change under the functions' feet.
    """

    def __init__(self, file: Target, *, renew: bool = False) -> None:
        super().__init__(file, protocol=5)
        self.reach = Reach()
        self._set_state = _renew if renew else _keep

    def reducer_override(self, obj: Any) -> Any:
        kind = type(obj)
        remake = _REMADE.get(kind)
        if remake is not None:
            if kind in _NAMED and by_reference(obj):
                self.reach.modules.add(obj.__module__)
                return NotImplemented
            return remake(obj)
        if kind is FunctionType:
            return self._function(obj)
        if isinstance(obj, type):
            return self._class(obj)
        if isinstance(obj, ModuleType):
            _send_by_value_if_in_no_file(obj.__name__)
            self.reach.modules.add(obj.__name__)
        else:
            self._reach_module(kind)
        return super().reducer_override(obj)

    def _function(self, function: FunctionType) -> Any:
        _send_by_value_if_in_no_file(function.__module__)
        reduced = super().reducer_override(function)
        if reduced is NotImplemented:
            self._reach_module(function)
        else:
            package = _package(function.__globals__)
            self.reach.codes.append((function.__code__, package))
        return reduced

    def _class(self, kind: type) -> Any:
        _send_by_value_if_in_no_file(kind.__module__)
        reduced: Any = super().reducer_override(kind)
        # A shorter answer stands for a type of Python's own.
        if reduced is NotImplemented or len(reduced) < 6:
            self._reach_module(kind)
            return reduced
        self._reach_class_of_main(kind)
        if kind not in _arrived:
            _own.add(kind)
        make, arguments, state, items, pairs, set_state = reduced
        # cloudpickle forgets the qualified name, by which plain pickle finds a class.
        whole = (kind.__qualname__, set_state, state)
        return make, arguments, whole, items, pairs, self._set_state

    def _reach_module(self, obj: Any) -> None:
        if isinstance(obj.__module__, str):
            self.reach.modules.add(obj.__module__)

    def _reach_class_of_main(self, kind: type) -> None:
        name = kind.__qualname__
        if kind.__module__ == "__main__" and _found("__main__", name, kind):
            top = name.partition(".")[0]
            self.reach.classes[top] = getattr(sys.modules["__main__"], top)


def by_reference(obj: Any) -> bool:
    """True when the process that loads `obj` finds it by its module and name."""
    module, name = getattr(obj, "__module__", None), _name_of(obj)
    if not isinstance(module, str) or name is None or module == "__main__":
        return False
    return not _in_no_file(module) and _found(module, name, obj)


def _name_of(obj: Any) -> str | None:
    name = getattr(obj, "__qualname__", None) or getattr(obj, "__name__", None)
    return name if isinstance(name, str) else None


def _found(module: str, name: str, obj: object) -> bool:
    found: Any = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    return found is obj


def _package(namespace: dict[str, Any]) -> str | None:
    """What a relative import in a function with these globals starts from."""
    package = namespace.get("__package__")
    if package is None and "__name__" in namespace:
        name: str = namespace["__name__"]
        return name if "__path__" in namespace else name.rpartition(".")[0]
    return package


def _in_no_file(name: str) -> bool:
    if name == "__mp_main__":  # what multiprocessing calls the script
        return True
    if name == "__main__":
        return False
    top = name.partition(".")[0]
    if top in sys.stdlib_module_names:
        return False
    # Extension modules make submodules without a file; those belong to their package.
    return all(_is_bare(sys.modules.get(one)) for one in {top, name})


def _is_bare(module: ModuleType | None) -> bool:
    if module is None or getattr(module, "__file__", None) is not None:
        return False
    spec = getattr(module, "__spec__", None)
    no_spec = spec is None or (spec.loader is None and spec.origin is None)
    return no_spec and not hasattr(module, "__path__")


def _send_by_value_if_in_no_file(name: str | None) -> None:
    """Tell cloudpickle, which takes whatever is in sys.modules for importable.

    For good: such a module can be imported nowhere else, and taking the mark away
    after each dump would race with the dumps of other threads.
    """
    if name is not None and _in_no_file(name) and name in sys.modules:
        module = sys.modules[name]
        if module.__name__ == name:
            _register(module)


_State: TypeAlias = tuple[str, Callable[[type, Any], Any], Any]


def _renew(kind: type, state: _State) -> None:
    if kind not in _own:
        kind.__qualname__, set_state, own = state
        set_state(kind, own)
        _arrived.add(kind)


def _keep(kind: type, state: _State) -> None:
    if kind not in _arrived:
        _renew(kind, state)


def _cached(function: Any, options: dict[str, Any]) -> Any:
    return functools.lru_cache(**options)(function)


def _cached_property(function: Any, name: str | None) -> Any:
    made = functools.cached_property(function)
    made.attrname = name
    return made


def _weak_keys(items: dict[Any, Any]) -> Any:
    return weakref.WeakKeyDictionary(items)


def _made_by_name(kind: Any, name: str, *rest: Any) -> Any:
    return kind(name, *rest)


#: Types whose objects pickle as a bare name, which is no use in a child's `__main__`.
_NAMED: set[type] = {type(functools.lru_cache(_cached)), typing.NewType}
_NAMED |= {typing.ParamSpec, typing.TypeVarTuple}

_REMADE: dict[type, Callable[[Any], tuple[Any, ...]]] = {
    type(functools.lru_cache(_cached)): lambda one: (
        _cached,
        (one.__wrapped__, one.cache_parameters()),
    ),
    functools.cached_property: lambda one: (_cached_property, (one.func, one.attrname)),
    weakref.WeakKeyDictionary: lambda one: (_weak_keys, (dict(one),)),
    typing.NewType: lambda one: (
        _made_by_name,
        (typing.NewType, one.__name__, one.__supertype__),
    ),
    typing.ParamSpec: lambda one: (_made_by_name, (typing.ParamSpec, one.__name__)),
    typing.TypeVarTuple: lambda one: (
        _made_by_name,
        (typing.TypeVarTuple, one.__name__),
    ),
}
if sys.version_info >= (3, 12):
    _NAMED.add(typing.TypeAliasType)
    _REMADE[typing.TypeAliasType] = lambda one: (
        _made_by_name,
        (typing.TypeAliasType, one.__name__, one.__value__),
    )
