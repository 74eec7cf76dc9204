"""The manifest of an output folder: which parts belong to it, and where from."""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

from mincer.codec.formats import FORMATS
from mincer.structs import Struct, field

__all__ = ["MANIFEST", "Manifest", "PartEntry", "part_name"]

#: The file's name: it is there only when everything else in the folder is whole.
MANIFEST = "_SUCCESS"

_PART_NAME = re.compile(r"part-[0-9]{5,}")


class PartEntry(NamedTuple):
    """One part file."""

    name: str
    pairs: int
    size_bytes: int
    #: Of the bytes of the file, eight digits in hexadecimal.
    crc32: str


def part_name(part: int) -> str:
    """The name of a part file, the same for all formats."""
    return f"part-{part:05}"


class Manifest(Struct):
    """What `_SUCCESS` says: a JSON object for programs and people."""

    format: str
    parts: tuple[PartEntry, ...]
    #: Everything else: versions, name and id of the job, its report with counters.
    told: dict[str, Any] = field(default_factory=dict)

    @property
    def job(self) -> str:
        return str(self.told.get("job", ""))

    def to_json(self) -> bytes:
        parts = [
            {
                "name": part.name,
                "pairs": part.pairs,
                "bytes": part.size_bytes,
                "crc32": part.crc32,
            }
            for part in self.parts
        ]
        own = {
            "format": self.format,
            "pairs": sum(part.pairs for part in self.parts),
            "bytes": sum(part.size_bytes for part in self.parts),
            "parts": parts,
        }
        # The parts come last: they may be many.
        told = {name: told for name, told in self.told.items() if name not in own}
        return json.dumps(told | own, indent=1).encode() + b"\n"

    @classmethod
    def from_json(cls, data: bytes) -> Manifest:
        """Read what `to_json` made; ValueError when mincer did not write this.

        Other systems leave a `_SUCCESS` too, most of them an empty one. The names of
        the parts are checked: who opens or replaces them must not leave the folder.
        """
        told = json.loads(data)
        if not isinstance(told, dict) or "mincer" not in told:
            raise ValueError("it is not a manifest of mincer")
        try:
            parts = tuple(
                PartEntry(
                    str(part["name"]),
                    int(part["pairs"]),
                    int(part["bytes"]),
                    str(part["crc32"]),
                )
                for part in told["parts"]
            )
        except (KeyError, TypeError) as error:
            raise ValueError("its list of parts is damaged") from error
        if told.get("format") not in FORMATS:
            raise ValueError(f"its format {told.get('format')!r} is not known")
        for part in parts:
            if not _PART_NAME.fullmatch(part.name):
                raise ValueError(f"{part.name!r} is not the name of a part")
        return cls(told["format"], parts, told)
