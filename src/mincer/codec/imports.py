"""Which modules a piece of code imports, found in its bytecode."""

# Strategy: bytecode and not source, because functions typed at a prompt or made by exec
# have no source. Every import statement is one IMPORT_NAME whose level and names are
# the two constants loaded just before it; imports inside functions are in the code
# objects among the constants. importlib.import_module("name") is a call like any
# other and is not seen.

from __future__ import annotations

from collections.abc import Iterator
from opcode import opmap
from types import CodeType
from typing import NamedTuple

__all__ = ["Import", "absolute", "imports_of", "nested_codes"]

_IMPORT_NAME = opmap["IMPORT_NAME"]


class Import(NamedTuple):
    """One import statement: `from ..name import names` has level 2."""

    level: int
    name: str
    names: tuple[str, ...]


def nested_codes(code: CodeType) -> Iterator[CodeType]:
    """Yield `code` and the code of everything defined inside it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from nested_codes(constant)


def imports_of(code: CodeType) -> list[Import]:
    """Every import statement in `code` and in what is defined inside it."""
    found: list[Import] = []
    for one in nested_codes(code):
        # Disassembling costs a few µs an instruction; most functions import nothing.
        if _IMPORT_NAME in one.co_code[::2]:
            found += _imports_in(one)
    return found


def _imports_in(code: CodeType) -> Iterator[Import]:
    import dis

    loaded: list[object] = [0, None]
    for instruction in dis.get_instructions(code):
        if instruction.opname == "IMPORT_NAME":
            level, names = loaded
            assert isinstance(level, int)
            # The compiler makes a tuple of names or None, nothing else.
            listed = names if isinstance(names, tuple) else ()
            yield Import(level, str(instruction.argval), listed)
        elif instruction.opname != "EXTENDED_ARG":
            loaded = [loaded[1], instruction.argval]


def absolute(statement: Import, package: str | None) -> list[str]:
    """The modules that `statement` may mean, in code of `package`, dotted from the top.

    A name after `from x import` may be a submodule or an attribute: both are listed.
    Empty when the import leaves the package, which fails when it runs.
    """
    base = statement.name
    if statement.level:
        parents = (package or "").split(".")
        kept = parents[: len(parents) - statement.level + 1]
        if not package or not kept:
            return []
        base = ".".join([*kept, base] if base else kept)
    return [base, *(f"{base}.{name}" for name in statement.names if name != "*")]
