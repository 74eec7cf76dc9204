"""One part on its way to bytes: encoded, counted and hashed as it is written."""

from __future__ import annotations

from typing import Any

from mincer.codec.formats import encode, header
from mincer.flow.ports import PartMade

__all__ = ["PartEncoder"]


class PartEncoder:
    """Give every write of a part to `encode`, `start` first; then ask `made`."""

    def __init__(self, format: str) -> None:
        import hashlib

        self._format = format
        self._hash = hashlib.sha256(usedforsecurity=False)
        self._pairs = 0
        self._size_bytes = 0

    def start(self) -> bytes:
        """What the part begins with."""
        return self._counted(header(self._format))

    def encode(self, keys: list[Any], values: list[Any]) -> bytes:
        data = self._counted(encode(self._format, keys, values))
        self._pairs += len(values)
        return data

    def made(self) -> PartMade:
        return PartMade(self._pairs, self._size_bytes, self._hash.hexdigest())

    def _counted(self, data: bytes) -> bytes:
        self._hash.update(data)
        self._size_bytes += len(data)
        return data
