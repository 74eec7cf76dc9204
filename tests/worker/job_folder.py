"""A job's folder as the parent lays it out, and orders to run in it."""

import pickle

from mincer.codec import functions
from mincer.errors import Where
from mincer.flow.ports import Batch
from mincer.ids import AttemptId, TaskId
from mincer.job import Step
from mincer.sources.base import Split
from mincer.worker.orders import JobCode, MapOrder, StepFiles


class ListSplit(Split):
    """Some values in memory."""

    def __init__(self, values, tag=None):
        self.values = values
        self.tag = tag
        self.size_bytes = len(values)

    def read(self, skip=frozenset()):
        for n, value in enumerate(self.values):
            if n not in skip:
                yield Batch(n, [n], [value], 1, lambda i, n=n: Where("list", n))

    def __str__(self):
        return "a list"


class JobFolder:
    def __init__(self, path):
        self.path = path
        #: What a child may take, by code.
        self.memory = {}

    def code(self, *args, name="code", sink=None, memory_bytes=None, **options):
        code = JobCode(Step(*args, **options), 2, "a job", {}, sink, None)
        path = self.path / name
        self.memory[str(path)] = memory_bytes
        path.write_bytes(functions.dump(code))
        return str(path)

    def map_order(self, code, values, index=0, number=0, cuts=None, **more):
        attempt = AttemptId(TaskId("job", 0, "map", index), number)
        split = pickle.dumps([ListSplit(values)]), 0
        return MapOrder(attempt, self.files(code, "maps", cuts), split, **more)

    def files(self, code, name, cuts=None):
        folder = self.path / name
        folder.mkdir(exist_ok=True)
        memory_bytes = self.memory.get(code)
        return StepFiles(code, None, str(folder), str(self.path), cuts, memory_bytes)
