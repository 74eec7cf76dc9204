"""Dask without Dask: a client whose tasks run at once, in this process."""

import pickle
import sys
from types import ModuleType

import pytest

from mincer.flow.budget import Budget
from mincer.runners.dask import work


@pytest.fixture
def distributed(monkeypatch):
    """A module of that name, if there is none or not."""
    module = ModuleType("distributed")
    module.WorkerPlugin = object
    monkeypatch.setitem(sys.modules, "distributed", module)
    for name in ("plugin", "graph"):
        monkeypatch.delitem(sys.modules, f"mincer.runners.dask.{name}", raising=False)
    monkeypatch.setattr(work, "_budget", lambda: Budget(None))
    monkeypatch.setattr(work, "_stop_if_cancelled", lambda ordinal, done: None)
    return module


class Future:
    def __init__(self, key, run):
        self.key = key
        self.is_released = False
        try:
            self.made, self.status = run(), "finished"
        except Exception as error:
            self.made, self.status = error, "error"

    def done(self):
        return True

    def result(self):
        if self.status == "error":
            raise self.made
        return self.made

    def add_done_callback(self, call):
        call(self)

    def release(self):
        self.is_released = True


def given(thing):
    """What a worker gets in the place of this."""
    if isinstance(thing, Future):
        return thing.result()
    if isinstance(thing, list):
        return [given(one) for one in thing]
    return pickle.loads(pickle.dumps(thing))


class Client:
    def __init__(self):
        self.futures = []
        self.plugins = {}

    def submit(self, task, *args, key, pure):
        assert not pure
        future = Future(key, lambda: task(*given(list(args))))
        self.futures.append(future)
        return future

    def gather(self, futures):
        return [future.result() for future in futures]

    def register_plugin(self, plugin):
        self.plugins[plugin.name] = plugin
        pickle.loads(pickle.dumps(plugin)).setup(self)

    def unregister_worker_plugin(self, name):
        self.plugins.pop(name).teardown(self)
