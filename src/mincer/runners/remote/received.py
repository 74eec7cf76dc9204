"""The parts of a result that others make: received or found, written, committed."""

# Strategy: a part counts when all of it is here, or lies in the folder of the output
# where the driver can see it. Only here is it committed, so the promises of a sink hold
# whoever wrote, and however late: an attempt that lost has another name.

from __future__ import annotations

import contextlib
import os

from mincer.errors import SegmentError
from mincer.flow.ports import PartMade
from mincer.ids import AttemptId
from mincer.net.same_folder import leave_token
from mincer.runners.stored import StoredPart
from mincer.sinks.base import Sink
from mincer.store.disk import Place, kept
from mincer.wire.frames import Account
from mincer.wire.packets import Buffer

__all__ = ["ReceivedParts"]


class ReceivedParts:
    """`sink`: where the parts go, prepared; None: they stay in `folder`.

    `write`, `close` and `drop` belong to the thread that receives, and `commit` to the
    one that asked for the job.
    """

    def __init__(self, folder: str, sink: Sink | None) -> None:
        self._folder = folder
        self._sink: Sink | None = None
        #: What workers find in the folder of the output, if they see it, and where.
        self.token: tuple[bytes, bytes] | None = None
        #: The parts that count: what the sink made of them, or where they lie.
        self.made: dict[int, PartMade] = {}
        self.places: dict[int, Place] = {}
        self._winners: dict[int, AttemptId] = {}
        self._files: dict[AttemptId, int] = {}
        if sink is not None:
            self.use(sink)

    def use(self, sink: Sink) -> None:
        """This is where the parts go; nothing was committed before."""
        self._sink = sink
        shared = sink.shared_folder
        self.token = None if shared is None else leave_token(shared)

    def write(self, attempt: AttemptId, offset: int, data: Buffer) -> None:
        """Keep some bytes of what was made."""
        file = self._files.get(attempt)
        path = self._path(attempt)
        with kept(path):
            if file is None:
                file = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
                self._files[attempt] = file
            left = memoryview(data)
            while left:
                done = os.pwrite(file, left, offset)
                left, offset = left[done:], offset + done

    def _path(self, attempt: AttemptId) -> str:
        name = f"part-{attempt.task.index}-{attempt.number}"
        return os.path.join(self._folder, name)

    def close(self, attempt: AttemptId) -> bool:
        """No more will be written of it; False: nothing was."""
        file = self._files.pop(attempt, None)
        if file is not None:
            os.close(file)
        return file is not None

    def drop(self, attempt: AttemptId) -> None:
        """Nobody wants what was written of it."""
        if self.close(attempt):
            self._remove(attempt)

    def _remove(self, attempt: AttemptId) -> None:
        with contextlib.suppress(OSError):
            os.remove(self._path(attempt))

    def commit(self, attempt: AttemptId, account: Account) -> bool:
        """Make a part count that is whole; False: it is not what was promised. The
        answer is the same when it is asked again."""
        if account.part is None:
            return False
        made: PartMade | None = PartMade(*account.part)
        part, number = attempt.task.index, attempt.number
        if part in self.made:
            return self._winners[part] == attempt
        if not account.is_written:
            path = self._path(attempt)
            length = os.path.getsize(path) if os.path.exists(path) else 0
            place = Place(path, 0, length)
            if self._sink is None:
                self.places[part] = place
                return True
            made = _write(self._sink, attempt, StoredPart(place), account.part[0])
            self._remove(attempt)
        elif self.token is None or not self._is_found(attempt, account.part[1]):
            made = None
        if made is None or self._sink is None:
            return False
        if not self._sink.commit_part(part, number):
            return False
        self.made[part], self._winners[part] = made, attempt
        return True

    def _is_found(self, attempt: AttemptId, size_bytes: int) -> bool:
        assert self._sink is not None
        return self._sink.has_part(attempt.task.index, attempt.number, size_bytes)

    def close_files(self) -> None:
        for file in self._files.values():
            os.close(file)
        self._files.clear()


def _write(
    sink: Sink, attempt: AttemptId, read: StoredPart, pairs: int
) -> PartMade | None:
    """Write a part that has come and has so many pairs; None: it does not."""
    writer = sink.open(attempt.task.index, attempt.number)
    try:
        for keys, values in read():
            writer.write(keys, values)
        made = writer.close()
    except SegmentError:
        writer.abort()
        return None
    except BaseException:
        writer.abort()
        raise
    if made.pairs != pairs:
        writer.abort()
        return None
    return made
