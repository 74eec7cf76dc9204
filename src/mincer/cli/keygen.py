"""`mincer keygen`: a key file for a cluster, or for one role in it."""

from __future__ import annotations

import os
import sys

from mincer.cli import failure
from mincer.errors import UsageError
from mincer.structs import Struct

__all__ = ["KeygenOptions", "execute"]


class KeygenOptions(Struct, kw_only=True):
    """What was typed after `mincer keygen`."""

    file: str | None = None
    role: str | None = None
    name: str | None = None
    key_file: str | None = None
    allowed: str | None = None


def execute(options: KeygenOptions) -> int:
    """Write the file; return the exit code."""
    try:
        return _make(options)
    except Exception as error:
        failure.show(error, verbose=False)
        return failure.exit_code(error)


def _make(options: KeygenOptions) -> int:
    from mincer.net.keys import make_key_file, make_role_file, read_key_file

    if options.role is None:
        path = options.file or "mincer.key"
        make_key_file(path)
        sys.stderr.write(
            f"{path}: the key of a cluster. Whoever has it may be anything in it.\n"
            f"  mincer serve 0.0.0.0 --key-file {path}\n"
            f"  mincer worker HOST --key-file {path}\n"
        )
        return 0
    if options.key_file is None or options.name is None:
        raise UsageError(
            f"a {options.role}'s key is made from that of its cluster",
            hint=f"mincer keygen --{options.role} NAME --key-file mincer.key",
        )
    keys = read_key_file(options.key_file)
    path = options.file or f"{options.name}.key"
    folder = options.allowed or "allowed"
    os.makedirs(folder, exist_ok=True)
    public = os.path.join(folder, f"{options.name}.pub")
    make_role_file(path, public, keys, options.role, options.name)
    sys.stderr.write(
        f"{path}: for the {options.role} {options.name}, and for nothing else.\n"
        f"{public}: lets it in, as long as it lies there:\n"
        f"  mincer serve 0.0.0.0 --key-file {options.key_file} --allowed {folder}\n"
    )
    return 0
