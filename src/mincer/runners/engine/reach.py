"""Whether anybody answers at the address of an engine, before it is asked for a job."""

from __future__ import annotations

import contextlib
import re
import socket

from mincer.errors import NoConnectionError

__all__ = ["check_reachable"]

#: Engines themselves try for a minute and more, and tell nothing meanwhile.
_PATIENCE_S = 5.0


def check_reachable(address: str, engine: str, hint: str) -> None:
    """Raise `NoConnectionError` when nobody answers at any HOST:PORT in `address`; an
    address without one is left to the engine."""
    found = re.findall(r"(?:^|[/,])(\[[^]]+\]|[^/:,\[\]]+):(\d+)", address)
    why = ""
    for host, port in found:
        try:
            with contextlib.closing(
                socket.create_connection((host.strip("[]"), int(port)), _PATIENCE_S)
            ):
                return
        except OSError as error:
            why = error.strerror or str(error)
    if found:
        raise NoConnectionError(
            f"no {engine} answers at {address}: {why}",
            hint=hint,
        )
