"""What one step of a job is: the user's functions and options, checked when given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from mincer.codec.keys import PARTS_MAX
from mincer.errors import UsageError, preview
from mincer.structs import Struct, field

__all__ = ["COMBINE_BUILTINS", "REDUCE_BUILTINS", "Step", "by_range", "default_parts"]

Function: TypeAlias = Callable[..., Any]

#: The builtins that may stand for a reducefn. They get the values alone, and are
#: known by identity: a user's function that happens to be called `sum` is not one.
REDUCE_BUILTINS: tuple[Function, ...] = (
    sum, min, max, any, all, len, list, set, sorted,
)  # fmt: skip
#: Those whose results may be combined again, so that they may stand for a combinefn.
COMBINE_BUILTINS: tuple[Function, ...] = (sum, min, max, any, all)

_MIB = 2**20
#: Default part counts: a part of 4 MiB is worth a file, and up to 64 of them keep every
#: slot of a small cluster busy; beyond that a part is 64 MiB, and 251 files are enough.
_PARTS_DEFAULT_MAX = 251
_PARTS_UNKNOWN_SIZE = 16


class ByRange:
    """The one value of `mincer.by_range`; pickles as itself."""

    def __repr__(self) -> str:
        return "mincer.by_range"

    def __reduce__(self) -> str:
        return "by_range"


#: As partitionfn: each part holds a range of the keys, in order, cut from a sample.
by_range = ByRange()


def default_parts(size_bytes: int | None) -> int:
    """How many parts the output has when nobody said. Depends on the input alone, so
    that the same input gives the same files on every machine."""
    if size_bytes is None:
        return _PARTS_UNKNOWN_SIZE
    small = max(1, -(-size_bytes // (4 * _MIB)))
    large = max(64, -(-size_bytes // (64 * _MIB)))
    return min(_PARTS_DEFAULT_MAX, small, large)


class Step(Struct):
    """One map and, when asked for, one shuffle and one reduce.

    Frozen, and every argument is checked on creation: a wrong one is a `UsageError`
    that names it, so that nothing wrong is found out in a worker an hour later.
    """

    mapfn: Function | dict[str, Function]
    reducefn: Function | None = None
    combinefn: Function | None = field(default=None, kw_only=True)
    partitionfn: Function | ByRange | None = field(default=None, kw_only=True)
    sort_keys: bool | Function = field(default=False, kw_only=True)
    sort_values: bool | Function = field(default=False, kw_only=True)
    parts: int | None = field(default=None, kw_only=True)
    name: str | None = field(default=None, kw_only=True)
    max_attempts: int = field(default=4, kw_only=True)
    skip_bad_records: int = field(default=0, kw_only=True)
    #: Seconds that one attempt may run.
    task_timeout: float | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        if isinstance(self.mapfn, Mapping):
            # A copy: what was checked must be what runs.
            object.__setattr__(self, "mapfn", dict(self.mapfn))
        _check_mapfn(self.mapfn)
        _check_reducefn(self.reducefn)
        _check_combinefn(self.combinefn, self.reducefn)
        _check_partitionfn(self.partitionfn)
        _check_order("sort_keys", self.sort_keys)
        _check_order("sort_values", self.sort_values)
        _check_count("max_attempts", self.max_attempts, at_least=1)
        _check_count("skip_bad_records", self.skip_bad_records, at_least=0)
        _check_parts(self.parts, self.shuffles)
        _check_name(self.name)
        _check_timeout(self.task_timeout)

    def __hash__(self) -> int:
        of_all = {**vars(self), "mapfn": None}  # which may be a dict
        return hash(tuple(of_all.values()))

    def __repr__(self) -> str:
        shown = []
        for name, value in vars(self).items():
            if name == "mapfn":
                shown.append(_show(value))
            elif value is not getattr(Step, name):
                prefix = "" if name == "reducefn" else f"{name}="
                shown.append(prefix + _show(value))
        return f"{type(self).__name__}({', '.join(shown)})"

    @property
    def shuffles(self) -> bool:
        """True when pairs are brought together by key; else each split is a part."""
        return (
            self.reducefn is not None
            or self.sort_keys is not False
            or self.sort_values is not False
            or self.partitionfn is not None
        )

    @property
    def sampled(self) -> bool:
        """True when a sample of the keys decides which part a key goes to."""
        return self.partitionfn is by_range

    @property
    def total_order(self) -> bool:
        """True when the parts, read one after another, are in order of their keys."""
        return self.sampled and self.sort_keys is not False

    @property
    def tags(self) -> frozenset[str] | None:
        """The tags that the sources must have, when there is a mapfn for each."""
        return frozenset(self.mapfn) if isinstance(self.mapfn, dict) else None

    @property
    def title(self) -> str:
        """What people call it: its name, else that of its mapfn."""
        return self.name or _show(self.mapfn)

    def mapfn_for(self, tag: str | None) -> Function:
        """Return the mapfn for records of the source that has this tag."""
        if not isinstance(self.mapfn, dict):
            return self.mapfn
        if tag not in self.mapfn:
            raise UsageError(
                f"no mapfn for the tag {tag!r}",
                hint=f"The job has mapfns for {_listed(self.mapfn)}.",
            )
        return self.mapfn[tag]

    def plain(self) -> Step:
        """This step as a `Step` and nothing more, which is what travels to workers."""
        step = object.__new__(Step)
        step.__dict__.update(self.__dict__)
        return step


def _show(value: object) -> str:
    """A function by the name that its author gave it; all else as it is."""
    if isinstance(value, dict):
        items = ", ".join(f"{tag!r}: {_show(one)}" for tag, one in value.items())
        return f"{{{items}}}"
    inner = getattr(value, "func", value)  # functools.partial
    name = getattr(inner, "__qualname__", None)
    if isinstance(name, str):
        return name.replace("<locals>.", "")
    return preview(value, 60)


def _listed(names: Any) -> str:
    return ", ".join(map(repr, sorted(names)))


def _refuse(
    name: str, given: object, takes: str, hint: str | None = None
) -> UsageError:
    return UsageError(f"{name} must be {takes}, not {_show(given)}", hint=hint)


def _check_mapfn(mapfn: object) -> None:
    if not isinstance(mapfn, dict):
        _check_function("mapfn", mapfn, ("key", "value"), classes=True)
        return
    if not mapfn:
        raise UsageError(
            "mapfn is an empty dict",
            hint='Give one for each tag: {"users": map_users, "orders": map_orders}.',
        )
    for tag, function in mapfn.items():
        if not isinstance(tag, str) or not tag:
            raise _refuse("a tag of mapfn", tag, "a str that is not empty")
        _check_function(f"mapfn[{tag!r}]", function, ("key", "value"), classes=True)


def _check_reducefn(reducefn: object) -> None:
    if reducefn is None or _is_one_of(reducefn, REDUCE_BUILTINS):
        return
    _check_builtin("reducefn", reducefn, REDUCE_BUILTINS)
    _check_function("reducefn", reducefn, ("key", "values"), classes=True)


def _check_combinefn(combinefn: object, reducefn: object) -> None:
    if combinefn is None:
        return
    if reducefn is None:
        raise UsageError(
            f"combinefn={_show(combinefn)} was given without a reducefn",
            hint="A combinefn prepares what reducefn finishes: give both, or neither.",
        )
    if _is_one_of(combinefn, COMBINE_BUILTINS):
        return
    _check_builtin("combinefn", combinefn, COMBINE_BUILTINS)
    _check_function("combinefn", combinefn, ("key", "values"))
    _refuse_generator("combinefn", combinefn, "one value for its key")


def _check_partitionfn(partitionfn: object) -> None:
    if partitionfn is None or isinstance(partitionfn, ByRange):
        return
    _check_function("partitionfn", partitionfn, ("key", "parts"))
    _refuse_generator("partitionfn", partitionfn, "one int in range(parts)")


def _check_order(name: str, order: object) -> None:
    if isinstance(order, bool):
        return
    if not callable(order):
        raise _refuse(name, order, "True, False or a key function, as for sorted()")
    item = "value" if name == "sort_values" else "key"
    _check_arity(name, order, (item,), order)


def _is_one_of(function: object, builtins: tuple[Function, ...]) -> bool:
    return any(function is one for one in builtins)


def _check_builtin(name: str, function: object, taken: tuple[Function, ...]) -> None:
    """Refuse the other builtins: `dict(key, values)` would fail in the worker."""
    import builtins

    shown = _show(function)
    if getattr(builtins, shown, None) is function:
        names = ", ".join(one.__name__ for one in taken)
        raise UsageError(
            f"{name}={shown}: of the builtins only {names} can be a {name}",
            hint=f"Write what you mean: lambda key, values: {shown}(values).",
        )


def _check_function(
    name: str, function: object, arguments: tuple[str, ...], *, classes: bool = False
) -> None:
    import inspect

    called = f"{name}({', '.join(arguments)})"
    if not callable(function):
        raise _refuse(name, function, f"a function, called as {called}")
    if isinstance(function, type):
        if not classes:
            raise _refuse(
                name, function, f"a function, called as {called}",
                hint="A class may stand for mapfn and reducefn only.",
            )  # fmt: skip
        _check_class(name, function, arguments)
        return
    for target in _what_runs(function):
        if inspect.iscoroutinefunction(target) or inspect.isasyncgenfunction(target):
            raise _refuse(name, function, "a plain function; this one is async")
    _check_arity(name, function, arguments, function)


def _check_class(name: str, kind: type, arguments: tuple[str, ...]) -> None:
    """A class in place of a function: built without arguments, called per record."""
    found = _call_of(kind)
    if found is None:
        raise UsageError(
            f"{name} is the class {kind.__name__}, which has no __call__",
            hint=f"Give it __call__(self, {', '.join(arguments)}), or pass a function.",
        )
    if isinstance(found, staticmethod):
        _check_arity(name, found.__func__, arguments, kind)
    else:
        function = getattr(found, "__func__", found)
        _check_arity(name, function, ("self", *arguments), kind)
    if not _accepts(kind, 0):
        raise UsageError(
            f"{name} is the class {kind.__name__}, which needs arguments to be built",
            hint=f"It is built once per attempt, as {kind.__name__}(). "
            "Settings may come from mincer.context().params.",
        )
    if not callable(getattr(kind, "close", len)):
        raise UsageError(f"{name}={kind.__name__}: its close is not a method")


def _call_of(kind: type) -> Any:
    """The `__call__` that the instances of `kind` have, None without one."""
    # Not getattr: it finds the __call__ of `type`, by which the class itself is called.
    calls = (vars(c)["__call__"] for c in kind.__mro__ if "__call__" in vars(c))
    return next(calls, None)


def _what_runs(function: object) -> tuple[object, object]:
    return function, _call_of(type(function))


def _check_arity(
    name: str, function: Function, arguments: tuple[str, ...], shown: object
) -> None:
    if _accepts(function, len(arguments)):
        return
    call = ", ".join(arguments)
    hint = None
    plain = not isinstance(shown, type)
    if name == "reducefn" and plain and _accepts(function, 1):
        named = _show(shown).replace("<lambda>", "function")
        hint = f"Of the values alone: lambda key, values: {named}(values)."
    raise UsageError(f"{name}={_show(shown)} cannot be called with ({call})", hint=hint)


def _accepts(function: Function, count: int) -> bool:
    """False when `function` surely cannot be called with `count` arguments."""
    import inspect

    try:
        # What is called is the wrapper, whatever it wraps.
        signature = inspect.signature(function, follow_wrapped=False)
    except Exception:
        # Not known: written in C, or (3.14) annotations that cannot be evaluated here,
        # which may raise anything. The call itself will tell.
        return True
    try:
        signature.bind(*range(count))
    except TypeError:
        return False
    return True


def _refuse_generator(name: str, function: object, returns: str) -> None:
    import inspect

    for target in _what_runs(function):
        if inspect.isgeneratorfunction(target):
            raise UsageError(
                f"{name}={_show(function)} is a generator",
                hint=f"A {name} returns {returns}: return it instead of yielding it.",
            )


def _check_count(name: str, given: object, *, at_least: int) -> None:
    if type(given) is not int or given < at_least:
        raise _refuse(name, given, f"an int, at least {at_least}")


def _check_parts(parts: object, shuffles: bool) -> None:
    if parts is None:
        return
    if type(parts) is not int or not 1 <= parts <= PARTS_MAX:
        raise _refuse("parts", parts, f"an int from 1 to {PARTS_MAX}")
    if not shuffles:
        raise UsageError(
            f"parts={parts} was given for a map-only job, which has a part a split",
            hint="Leave it out, or give a reducefn, sort_keys=True or a partitionfn.",
        )


def _check_name(name: object) -> None:
    if name is None:
        return
    if not isinstance(name, str) or not name.isprintable() or not 0 < len(name) <= 200:
        raise _refuse("name", name, "a str of 1 to 200 printable characters")


def _check_timeout(seconds: object) -> None:
    if seconds is None:
        return
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise _refuse("task_timeout", seconds, "a number of seconds above 0")
    if not 0 < seconds < float("inf"):
        raise _refuse("task_timeout", seconds, "a number of seconds above 0")
