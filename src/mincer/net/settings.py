"""Where the cluster is, and the keys to it, wherever that was said."""

# Strategy: what is typed goes before the environment, that before `mincer.toml` (of the
# current folder, then of the user), that before the default. A key file that was named
# anywhere and cannot be read is an error: to fall back to something else would connect
# to another cluster, or let in whom nobody meant.

from __future__ import annotations

import os
import sys
import tomllib
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from mincer.errors import UsageError
from mincer.net.keys import Keys, keys_of_password, read_key_file

__all__ = [
    "PORT",
    "Address",
    "address_of",
    "home",
    "is_secret_set",
    "keys_of",
    "user_folder",
]

#: The one that mincemeat had.
PORT = 11235
_FILE = "mincer.toml"
_NAMES = {"address", "password", "key_file", "cluster"}


class Address(NamedTuple):
    """A host and a port."""

    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        import ipaddress

        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:  # a name
            return self.host == "localhost"


def address_of(given: str | None, default_host: str = "127.0.0.1") -> Address:
    """HOST, HOST:PORT, :PORT or [HOST]:PORT, as typed, or as it was set."""
    text = given or _setting("address") or ""
    host, port = text, ""
    if text.startswith("["):
        host, _, rest = text[1:].partition("]")
        port = rest.removeprefix(":")
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    if port and not (port.isdecimal() and int(port) < 2**16):
        raise UsageError(
            f"the address {text} has no port of 0 to 65535",
            hint=f"It is HOST:PORT, as 192.168.1.10:{PORT}",
        )
    if host == "localhost":
        # Of the two addresses that it has on most machines, the one that is the default
        # of who listens: so ::1 is not tried first.
        host = "127.0.0.1"
    return Address(host or default_host, int(port) if port else PORT)


def keys_of(
    password: str | None = None,
    key_file: str | os.PathLike[str] | None = None,
    cluster: str | None = None,
) -> Keys | None:
    """The keys that were given or set; None when nothing was."""
    if password is not None and key_file is not None:
        raise UsageError("a password and a key file were given: it can be one of them")
    if password is None and key_file is None:
        key_file = _setting("key_file")
        password = None if key_file is not None else _setting("password")
    if key_file is not None:
        return read_key_file(os.fspath(key_file))
    if password is not None:
        return keys_of_password(password, cluster or _setting("cluster") or "default")
    return None


def is_secret_set() -> bool:
    """True when `keys_of` finds keys though none are given."""
    return _setting("key_file") is not None or _setting("password") is not None


def home() -> Path:
    """Where mincer keeps what is its user's own: keys that it made, and the like."""
    given = os.environ.get("MINCER_HOME")
    return Path(given) if given else user_folder()


def user_folder() -> Path:
    """The user's folder for settings."""
    if sys.platform == "win32":
        return Path(os.environ.get("APPDATA") or Path.home(), "mincer")
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config", "mincer")


def _setting(name: str) -> str | None:
    found = os.environ.get(f"MINCER_{name.upper()}")
    if found:
        return found
    for path in (Path(_FILE), user_folder() / _FILE):
        value = _read(path.absolute()).get(name)
        if value is not None:
            return value
    return None


@cache
def _read(path: Path) -> dict[str, str]:
    """What a settings file says; nothing, if there is none."""
    try:
        with open(path, "rb") as file:
            found: dict[str, Any] = tomllib.load(file)
    except FileNotFoundError:
        return {}
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"cannot read {path}: {error}") from error
    strange = sorted(found.keys() - _NAMES)
    if strange:
        raise UsageError(
            f"{path} sets {strange[0]!r}, which nobody reads",
            hint=f"There are: {', '.join(sorted(_NAMES))}",
        )
    return {name: str(value) for name, value in found.items()}
