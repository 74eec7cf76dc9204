"""Why something cannot be pickled: which name holds it, and where that comes from."""

# Strategy: pickle's own error names a type and nothing else. So, once it is known that
# an object fails, its parts (closures, globals, defaults, attributes, items) are
# pickled one by one to see which fail, and so on down to one whose parts all pass. That
# is slow and happens once, on the way to an error. A part already visited is not
# entered again, so functions that call one another do not hide the culprit.

from __future__ import annotations

import dis
import functools
import linecache
from collections.abc import Iterator
from types import CodeType, FunctionType, GeneratorType, MethodType
from typing import Any, NamedTuple

from mincer.codec.imports import nested_codes
from mincer.errors import ShipError, preview

__all__ = ["bundle_error", "value_error"]

#: A path longer than this tells nobody anything (a linked list of a thousand nodes).
_DEPTH_MAX = 12

#: Items of a list that are looked at: an error need not wait for a million pickles.
_ITEMS_MAX = 10_000


class _Part(NamedTuple):
    """Something that an object is made of, and how it is called there."""

    words: str
    #: As it would be written after the name of the object: `.name`, `['key']`.
    suffix: str
    value: object
    #: File and line, when known.
    place: str | None = None


def bundle_error(bundle: object, error: Exception) -> ShipError:
    """The error for a bundle of functions that `error` kept from being pickled."""
    path = _path(bundle)
    root, path = _split_root(bundle, path)
    leaf = path[-1].value if path else root.value
    chain = ", which uses ".join(part.words for part in path)
    what = f"{root.words} cannot be sent to a worker: "
    what += f"it uses {chain} ({_kind(leaf)})" if path else f"it is {_kind(leaf)}"
    place = next((part.place for part in reversed([root, *path]) if part.place), None)
    if place:
        what += f", from {place}"
    hint = "It stays with the process that made it: give plain data instead."
    if callable(root.value):
        hint = (
            f"Create it inside the function, or use a class as {root.words} "
            "(built once per attempt)."
        )
    return ShipError(f"{what}\n  {_reason(error)}", hint=hint)


def value_error(value: object, error: Exception) -> ShipError:
    """The error for a key or value, or a column of them."""
    path = _path(value)
    if path and isinstance(value, list | tuple):
        value, path = path[0].value, path[1:]
    leaf = path[-1].value if path else value
    what = f"{preview(value)} cannot leave the process that made it: "
    chain = ", which holds ".join(part.words for part in path)
    what += f"it holds {chain} ({_kind(leaf)})" if path else f"it is {_kind(leaf)}"
    hint = "Keys and values travel: yield plain data, not what stays with a process."
    if isinstance(leaf, GeneratorType):
        hint = "A generator runs where it was made: yield a list of its items instead."
    return ShipError(f"{what}\n  {_reason(error)}", hint=hint)


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _kind(value: object) -> str:
    kind = type(value)
    name = kind.__qualname__
    if kind.__module__ not in ("builtins", "__main__"):
        name = f"{kind.__module__}.{name}"
    return f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}"


def _split_root(bundle: object, path: list[_Part]) -> tuple[_Part, list[_Part]]:
    """Cut `path` where the user's own things begin: a field of one of our classes."""
    root = _Part("the job", "", bundle)
    holder = bundle
    for index, part in enumerate(path):
        if not _is_ours_or_plain(holder):
            return root, path[index:]
        # A field of ours is what the user knows by this name; what holds it is not.
        begins = part.suffix.startswith(".") or root.words == "the job"
        words = part.suffix.lstrip(".") if begins else root.words + part.suffix
        root = _Part(words, "", part.value, part.place)
        holder = part.value
    return root, []


def _is_ours_or_plain(value: object) -> bool:
    kind = type(value)
    ours = kind.__module__.partition(".")[0] == "mincer"
    return ours or kind in (dict, list, tuple)


def _path(obj: object) -> list[_Part]:
    """How to get from `obj`, which fails, to the innermost part that fails."""
    return _search(obj, {id(obj)}, 0) or []


def _search(obj: object, visited: set[int], depth: int) -> list[_Part] | None:
    """None when all that fails in `obj` was visited before: it is not the culprit."""
    failing = [part for part in _parts(obj) if not _passes(part.value)]
    if not failing or depth == _DEPTH_MAX:
        return []
    for part in failing:
        if id(part.value) in visited:
            continue
        visited.add(id(part.value))
        rest = _search(part.value, visited, depth + 1)
        if rest is not None:
            return [part, *rest]
    return None


class _Nowhere:
    def write(self, data: object) -> None:
        """Keep nothing: only whether pickling fails is asked."""


def _passes(value: object) -> bool:
    from mincer.codec.pickler import Pickler

    try:
        Pickler(_Nowhere()).dump(value)
    except Exception:
        return False
    return True


def _parts(obj: object) -> Iterator[_Part]:
    if isinstance(obj, FunctionType):
        yield from _parts_of_function(obj)
    elif isinstance(obj, MethodType):
        yield _Part("its object", ".__self__", obj.__self__)
        yield _Part("its function", ".__func__", obj.__func__)
    elif isinstance(obj, functools.partial):
        yield _Part("its function", ".func", obj.func)
        for index, value in enumerate(obj.args):
            yield _Part(f"its argument {index + 1}", f".args[{index}]", value)
        for name, value in obj.keywords.items():
            yield _Part(f"its argument `{name}`", f".keywords[{name!r}]", value)
    elif isinstance(obj, type):
        yield from _parts_of_class(obj)
    elif isinstance(obj, dict):
        for key, value in list(obj.items())[:_ITEMS_MAX]:
            yield _Part(f"the key {preview(key, 40)}", "", key)
            yield _item(key, value)
    elif isinstance(obj, list | tuple | set | frozenset):
        for index, value in enumerate(list(obj)[:_ITEMS_MAX]):
            yield _item(index, value)
    elif isinstance(obj, staticmethod | classmethod):
        yield _Part("its function", "", obj.__func__)
    elif isinstance(obj, property):
        yield _Part("its function", "", obj.fget)
    elif isinstance(obj, functools._lru_cache_wrapper):
        yield _Part("its function", "", obj.__wrapped__)
    else:
        yield from _parts_of_instance(obj)


def _item(key: object, value: object) -> _Part:
    shown = preview(key, 40)
    return _Part(f"the item [{shown}]", f"[{shown}]", value)


def _parts_of_function(function: FunctionType) -> Iterator[_Part]:
    code = function.__code__
    here = _place(code.co_filename, code.co_firstlineno)
    for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):
        try:
            value = cell.cell_contents
        except ValueError:  # not assigned yet
            continue
        yield _Part(f"the captured variable `{name}`", "", value, here)
    for name in _globals_of(code):
        if name in function.__globals__:
            line = _line_of(name, code, function.__globals__)
            place = _place(code.co_filename, line) if line else here
            value = function.__globals__[name]
            yield _Part(f"the global `{name}`", "", value, place)
    defaults = function.__defaults__ or ()
    last = code.co_varnames[: code.co_argcount][-len(defaults) :] if defaults else ()
    for name, value in zip(last, defaults, strict=True):
        yield _Part(f"the default of `{name}`", "", value, here)
    for name, value in (function.__kwdefaults__ or {}).items():
        yield _Part(f"the default of `{name}`", "", value, here)
    for name, value in vars(function).items():
        yield _Part(f"the attribute `{name}`", f".{name}", value, here)


def _parts_of_class(kind: type) -> Iterator[_Part]:
    for name, value in vars(kind).items():
        if name not in ("__dict__", "__weakref__", "__slots__"):
            yield _Part(f"the attribute `{name}`", f".{name}", value)
    for base in kind.__bases__:
        yield _Part(f"the base `{base.__name__}`", "", base)


def _parts_of_instance(obj: object) -> Iterator[_Part]:
    """What pickle would take of `obj`, which `__getstate__` may choose."""
    try:
        reduced = obj.__reduce_ex__(5)
    except Exception:
        return  # it refuses by itself
    if isinstance(reduced, str):
        return
    _, arguments, state, items, pairs = (*reduced, None, None, None)[:5]
    states = state if isinstance(state, tuple) and len(state) == 2 else (state,)
    for one in states:
        if isinstance(one, dict):
            for name, value in one.items():
                yield _Part(f"the attribute `{name}`", f".{name}", value)
        elif one is not None:
            yield _Part("its state", "", one)
    for value in arguments:
        yield _Part("what it is made of", "", value)
    for index, value in enumerate(items or ()):
        yield _item(index, value)
    for key, value in pairs or ():
        yield _item(key, value)


def _globals_of(code: CodeType) -> list[str]:
    names = {
        str(instruction.argval): None
        for one in nested_codes(code)
        for instruction in dis.get_instructions(one)
        if instruction.opname in ("LOAD_GLOBAL", "STORE_GLOBAL", "DELETE_GLOBAL")
    }
    return list(names)


def _place(file: str, line: int) -> str:
    return f"{file} line {line}"


def _line_of(name: str, code: CodeType, namespace: dict[str, Any]) -> int | None:
    """The line at which the module of `code` first gives the global `name` a value."""
    import ast

    source = "".join(linecache.getlines(code.co_filename, namespace))
    try:
        pending: list[ast.AST] = [ast.parse(source)]
    except (SyntaxError, ValueError):
        return None
    lines = []
    while pending:
        node = pending.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            if node.name == name:
                lines.append(node.lineno)
            continue  # what is inside belongs to its own scope
        if isinstance(node, ast.Name) and node.id == name:
            if isinstance(node.ctx, ast.Store):
                lines.append(node.lineno)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            bound = {one.asname or one.name.partition(".")[0] for one in node.names}
            if name in bound:
                lines.append(node.lineno)
        pending += ast.iter_child_nodes(node)
    return min(lines, default=None)
