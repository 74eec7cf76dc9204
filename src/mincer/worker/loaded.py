"""What a child has loaded and keeps for later attempts: code, cut points, splits."""

from __future__ import annotations

import gc
import pickle
from collections import OrderedDict
from typing import Any

from mincer.codec import functions
from mincer.errors import ShipError
from mincer.flow.stages import Program
from mincer.sources.base import Split
from mincer.store.disk import FileCache, Place, PlaceReader
from mincer.worker.orders import JobCode, PackedSplit, StepFiles
from mincer.worker.unpack import install

__all__ = ["Loaded", "load_code"]

#: Steps whose code a child keeps loaded.
_CODES_MAX = 4


class Loaded:
    """Loads what orders name, each thing once as long as it is in use."""

    def __init__(self, files: FileCache) -> None:
        self._files = files
        self._codes: OrderedDict[str, JobCode] = OrderedDict()
        self._cuts: dict[Place, list[Any]] = {}
        self._program: tuple[JobCode, Place | None, Program] | None = None
        #: The splits that were unpacked last, and what of.
        self._splits: list[Split | None] = []
        self._packet = b""

    def code(self, files: StepFiles) -> JobCode:
        """The functions and options of a step, with the modules that they need."""
        code = self._codes.get(files.code)
        if code is None:
            if files.modules is not None:
                modules = files.modules
                install(modules.zip_path, modules.digest, modules.folder)
            with open(files.code, "rb") as file:
                code = load_code(file.read())
            self._codes[files.code] = code
            if len(self._codes) > _CODES_MAX:
                self._codes.popitem(last=False)
            gc.collect()
            gc.freeze()
        return code

    def program(self, code: JobCode, cuts: Place | None) -> Program:
        """A step as attempts run it, with the cut points that lie there."""
        last = self._program
        if last is not None and last[0] is code and last[1] == cuts:
            return last[2]
        program = code.program(self._cut_points(cuts))
        self._program = code, cuts, program
        return program

    def _cut_points(self, place: Place | None) -> list[Any] | None:
        if place is None:
            return None
        if place not in self._cuts:
            reader = PlaceReader(place, self._files)
            self._cuts.clear()
            self._cuts[place] = pickle.loads(reader.read(0, place.length_bytes))
        return self._cuts[place]

    def split(self, packed: PackedSplit) -> Split:
        """A split as an attempt is given it: one that nobody has read from before."""
        packet, nth = packed
        if packet is not self._packet or self._splits[nth] is None:
            self._splits = pickle.loads(packet)
            self._packet = packet
        split, self._splits[nth] = self._splits[nth], None
        assert split is not None
        return split


def load_code(data: bytes) -> JobCode:
    """The functions and options of a step. Raises `ShipError` when they cannot be
    loaded here."""
    try:
        code: JobCode = functions.load(data)
    except Exception as error:
        import traceback

        raise ShipError(
            "the job's functions cannot be loaded in a worker: "
            f"{type(error).__name__}: {error}",
            user_traceback=traceback.format_exc(),
            hint="A module that they import must be found by the worker's Python too.",
        ) from error
    return code
