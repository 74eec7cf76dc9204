"""Classes of named fields, that cost a tenth of what `dataclasses` costs to import."""

# Strategy: a job of a moment must not pay for its classes: `dataclasses` brings
# `inspect` and `ast` (10 ms), and compiles six functions for every class (0.5 ms, sixty
# times). Here one function is compiled, `__init__`, when it is first called, and the
# rest is written once. Type checkers read the same fields (PEP 681). NamedTuple was
# rejected: two kinds with equal fields would be equal; msgspec.Struct, since its import
# takes 15 ms itself.

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, dataclass_transform

__all__ = ["Struct", "field", "replace"]

_Some = TypeVar("_Some", bound="Struct")


class _Field:
    """What `field` was told."""

    def __init__(
        self, default: Any, default_factory: Callable[[], Any] | None, kw_only: bool
    ) -> None:
        self.default = default
        self.default_factory = default_factory
        self.kw_only = kw_only


#: Stands for no default at all: None may be one.
_NOTHING = object()


def field(
    *,
    default: Any = _NOTHING,
    default_factory: Callable[[], Any] | None = None,
    kw_only: bool = False,
) -> Any:
    """A field whose default is made anew for each object, or that has to be named."""
    return _Field(default, default_factory, kw_only)


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
class Struct:
    """The annotations of a subclass are its fields; frozen unless it says otherwise.

    `__post_init__`, where there is one, is called at the end of `__init__`.
    """

    _fields: tuple[tuple[str, _Field], ...] = ()

    def __init_subclass__(
        cls, *, frozen: bool = True, kw_only: bool = False, **others: Any
    ) -> None:
        super().__init_subclass__(**others)
        if not frozen:
            _set(cls, __setattr__=object.__setattr__, __hash__=None)
        fields = dict(cls._fields)
        for name, kind in cls.__annotations__.items():
            if str(kind).startswith("ClassVar"):
                continue
            given = cls.__dict__.get(name, _NOTHING)
            if not isinstance(given, _Field):
                given = _Field(given, None, kw_only)
            elif given.default is _NOTHING:
                delattr(cls, name)
            else:
                setattr(cls, name, given.default)
            fields[name] = given
        if cls.__annotations__:
            cls._fields = tuple(fields.items())
            positional = tuple(name for name, one in cls._fields if not one.kw_only)
            _set(cls, __match_args__=positional, __init__=_init_later(cls, frozen))

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self.__dict__ == other.__dict__

    def __hash__(self) -> int:
        return hash((type(self), *self.__dict__.values()))

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in vars(self).items())
        return f"{type(self).__qualname__}({shown})"


def _refuse(self: Struct, name: str, *_: object) -> None:
    raise AttributeError(f"{name} of a {type(self).__name__} cannot be changed")


def _set(cls: type[Struct], **attributes: Any) -> None:
    for name, value in attributes.items():
        setattr(cls, name, value)


# Not in the class: type checkers would take it for a licence to set any name.
_set(Struct, __setattr__=_refuse)


def _init_later(cls: type[Struct], frozen: bool) -> Any:
    """An `__init__` that is compiled when it is called first: most classes that a
    process imports it never makes an object of."""

    def __init__(self: Struct, *values: Any, **named: Any) -> None:
        made = _init(cls, frozen)
        _set(cls, __init__=made)
        made(self, *values, **named)

    __init__.__qualname__ = f"{cls.__qualname__}.__init__"
    return __init__


def _init(cls: type[Struct], frozen: bool) -> Any:
    """Compile the `__init__` of a class from its fields."""
    # `self.x = ...` keeps an object without a dict of its own, which takes half the
    # time to make, and is read faster; a frozen class refuses it.
    keep = "fields[{0!r}] = {1}" if frozen else "self.{0} = {1}"
    known: dict[str, Any] = {"_NOTHING": _NOTHING}
    head, named = ["self"], ["*"]
    body = ["fields = self.__dict__"] if frozen else []
    for name, one in cls._fields:
        value = name
        parameter = name
        if one.default_factory is not None:
            known[f"_new_{name}"] = one.default_factory
            parameter = f"{name}=_NOTHING"
            value = f"_new_{name}() if {name} is _NOTHING else {name}"
        elif one.default is not _NOTHING:
            known[f"_default_{name}"] = one.default
            parameter = f"{name}=_default_{name}"
        (named if one.kw_only else head).append(parameter)
        body.append(keep.format(name, value))
    if hasattr(cls, "__post_init__"):
        body.append("self.__post_init__()")
    parameters = ", ".join(head + (named if len(named) > 1 else []))
    exec(f"def __init__({parameters}):\n  " + "\n  ".join(body), known)
    made = known["__init__"]
    made.__qualname__ = f"{cls.__qualname__}.__init__"
    made.__module__ = cls.__module__
    return made


def replace(struct: _Some, **changes: Any) -> _Some:
    """The same with some fields changed; checked as a new one."""
    return type(struct)(**{**vars(struct), **changes})
