"""Chunks packed by zstandard, where that makes them smaller."""

# Strategy: level 1, since a worker's one thread packs: it is faster than a network of
# a gigabit. What says of itself that it becomes longer than was promised is not
# unpacked at all.

from __future__ import annotations

from mincer.wire.packets import Buffer

__all__ = ["pack", "unpack"]

#: Less is not worth a call, nor is a saving below a tenth.
_BYTES_MIN = 1 << 12
_LEVEL = 1


def pack(data: bytes) -> bytes | None:
    """The same, packed; None when that would not save much."""
    if len(data) < _BYTES_MIN:
        return None
    import zstandard

    packed = zstandard.ZstdCompressor(level=_LEVEL).compress(data)
    return packed if len(packed) < 0.9 * len(data) else None


def unpack(data: Buffer, size: int) -> bytes | None:
    """What was packed, if it is `size` bytes; None if it is anything else."""
    import zstandard

    try:
        if zstandard.get_frame_parameters(data).content_size != size:
            return None
        found = zstandard.ZstdDecompressor().decompress(data, max_output_size=size)
    except zstandard.ZstdError:
        return None
    return found if len(found) == size else None
