"""Plain values of what is said on the network, each with its bound."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from msgspec import Meta

from mincer.ids import AttemptId, JobId, TaskId, TaskKind
from mincer.limits import PRIORITY_MAX

__all__ = [
    "AttemptName",
    "Count",
    "Decoder",
    "Digest",
    "Job",
    "Key",
    "Kind",
    "Line",
    "Path",
    "Priority",
    "Seconds",
    "Signed",
    "Small",
    "Text",
    "Token",
    "Word",
    "attempt_of",
    "encode",
    "name_of",
]

Count = Annotated[int, Meta(ge=0, le=2**62)]
Small = Annotated[int, Meta(ge=0, le=2**31)]
Signed = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
Word = Annotated[str, Meta(min_length=1, max_length=200)]
Line = Annotated[str, Meta(max_length=4096)]
Text = Annotated[str, Meta(max_length=100_000)]
Seconds = Annotated[float, Meta(ge=0, le=1e12)]
Job = Annotated[str, Meta(pattern="^[0-9a-f]{32}$")]
Key = Annotated[bytes, Meta(min_length=40, max_length=40)]
Digest = Annotated[bytes, Meta(min_length=16, max_length=32)]
Token = Annotated[bytes, Meta(min_length=16, max_length=16)]
Priority = Annotated[int, Meta(ge=-PRIORITY_MAX, le=PRIORITY_MAX)]
#: As the system has it: not every path is a text.
Path = Annotated[bytes, Meta(min_length=1, max_length=8192)]
Kind = Literal["sample", "map", "reduce"]

#: Step, kind, index and number of an attempt; the job is said once in a frame.
AttemptName: TypeAlias = tuple[Small, Kind, Small, Small]


class Decoder:
    """Decodes one union of frames; counts what is none of it, and drops that."""

    def __init__(self, frames: Any) -> None:
        self._decoder = msgspec.msgpack.Decoder(frames)
        self.dropped = 0

    def decode(self, data: bytes | memoryview) -> Any:
        """The frame, or None."""
        try:
            return self._decoder.decode(data)
        except (msgspec.DecodeError, ValueError):  # a text that is no UTF-8
            self.dropped += 1
            return None


encode = msgspec.msgpack.Encoder().encode


def name_of(attempt: AttemptId) -> AttemptName:
    _, step, kind, index = attempt.task
    return step, kind, index, attempt.number


def attempt_of(job: JobId, name: AttemptName) -> AttemptId:
    step, kind, index, number = name
    return AttemptId(TaskId(job, step, kind, index), number)


_: TaskKind = "map"  # the same words as `Kind`
