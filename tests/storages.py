"""Storages behind URLs for tests: one that is memory, and ones that fail."""

import fsspec
import pytest


@pytest.fixture
def memory():
    """The storage of memory://, empty."""
    storage = fsspec.filesystem("memory")
    yield storage
    storage.store.clear()
    storage.pseudo_dirs[:] = [""]


class Broken(fsspec.AbstractFileSystem):
    """A storage that has a file and cannot give it."""

    protocol = "broken"

    def info(self, path, **more):
        if "gone" in path:
            raise RuntimeError("no credentials")
        return {"name": path, "size": None if "unknown" in path else 10, "type": "file"}

    def exists(self, path, **more):
        return self.info(path) is not None

    def isdir(self, path):
        return False

    def _open(self, path, mode="rb", **more):
        return self

    def read(self, size):
        raise RuntimeError("the connection was reset")

    def seek(self, offset, whence=0):
        if offset:
            raise RuntimeError("the connection was reset")
        # Some say nothing where others say where they are.

    def tell(self):
        return 0

    def close(self):
        pass


@pytest.fixture
def broken():
    """broken://…"""
    fsspec.register_implementation("broken", Broken, clobber=True)
