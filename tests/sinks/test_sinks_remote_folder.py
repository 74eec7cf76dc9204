"""The folder of an output behind a URL, where files are renamed or objects copied."""

import json
import signal
from typing import ClassVar
from zlib import crc32

import fsspec
import pytest
from folder_cases import ASIDE, FolderCases
from fsspec.implementations.memory import MemoryFileSystem

import mincer
from mincer.errors import InputError, OutputError
from mincer.sinks import FileSink
from mincer.sinks.files import WrittenPart
from mincer.sinks.remote_folder import RemoteFolder
from mincer.testing import SinkSuite
from storages import memory

__all__ = ["memory"]

JOB = "ab" * 16


class Objects(MemoryFileSystem):
    """A memory that is asked as object stores are: no folders, copies of many."""

    protocol = "objects"
    async_impl = True
    store: ClassVar = {}
    pseudo_dirs: ClassVar = [""]

    @classmethod
    def _strip_protocol(cls, path):
        return super()._strip_protocol(path.replace("objects://", "memory://"))

    def mv(self, *given, **more):
        raise AssertionError("object stores do not rename")

    def makedirs(self, *given, **more):
        raise AssertionError("object stores have no folders")


@pytest.fixture
def objects():
    fsspec.register_implementation("objects", Objects, clobber=True)
    yield fsspec.filesystem("objects")
    Objects.store.clear()
    Objects.pseudo_dirs[:] = [""]


class RemoteFolderCases(FolderCases):
    @pytest.fixture
    def folder(self, storage):
        return RemoteFolder(f"{self.url}/in/")


class TestWhereThereAreFolders(RemoteFolderCases):
    url = "memory://a"

    @pytest.fixture
    def storage(self, memory):
        return memory


class TestWhereThereAreObjects(RemoteFolderCases):
    url = "objects://a"

    @pytest.fixture
    def storage(self, objects):
        return objects


class RemoteSinkCases(SinkSuite):
    # What one process keeps in its memory is there for the copies in that process.
    format = "tsv"

    def make(self, tmp_path):
        return FileSink(f"{self.url}/out", self.format)

    def seen(self, sink):
        names = dict.fromkeys(sink._place.names(), sink._place.read)
        if "_SUCCESS" not in names:
            assert [name for name in names if not name.startswith("_")] == []
            return None
        manifest = json.loads(sink._place.read("_SUCCESS"))
        parts = [part["name"] for part in manifest["parts"]]
        assert sorted(n for n in names if not n.startswith("_mincer-")) == sorted(
            ["_SUCCESS", *parts]
        )
        for part in manifest["parts"]:
            data = sink._place.read(part["name"])
            assert len(data) == part["bytes"]
            assert f"{crc32(data):08x}" == part["crc32"]
        readers = [WrittenPart(f"{self.url}/out/{name}", self.format) for name in parts]
        return list(mincer.Results(readers, 0, {}, mincer.Report(JOB, "a", "inline")))


class TestSinkWhereThereAreFolders(RemoteSinkCases):
    url = "memory://a"

    @pytest.fixture(autouse=True)
    def storage(self, memory):
        return memory


class TestSinkWhereThereAreObjects(RemoteSinkCases):
    url = "objects://a"
    format = "pickle"

    @pytest.fixture(autouse=True)
    def storage(self, objects):
        return objects


def count(key, line):
    for word in line.split():
        yield word, 1


def words(lines, output, **more):
    job = mincer.Job(count, combinefn=sum, reducefn=sum, parts=1)
    source = mincer.sources.items(lines)
    return job.run(source, runner="inline", output=output, **more)


def kept(source):
    with mincer.Job(lambda key, value: [(key, value)]).run(
        source, runner="inline"
    ) as results:
        return list(results)


@pytest.fixture(params=["memory", "objects"])
def url(request):
    request.getfixturevalue(request.param)
    return f"{request.param}://a"


def test_a_job_writes_and_another_reads(url):
    with words(["a b a", "b c"], f"{url}/out") as results:
        assert results.paths == [f"{url}/out/part-00000"]
        assert dict(results) == {"a": 2, "b": 2, "c": 1}
        again = results.as_source()
        for source in (again, mincer.sources.output(f"{url}/out")):
            assert sorted(kept(source)) == [("a", 2), ("b", 2), ("c", 1)]


def test_what_is_there_is_kept_until_it_may_be_replaced(url):
    words(["a"], f"{url}/out").close()
    with pytest.raises(OutputError, match=f"{url}/out exists already"):
        words(["b"], f"{url}/out")
    with words(["b"], f"{url}/out", overwrite=True) as results:
        assert dict(results) == {"b": 1}
    storage, path = fsspec.core.url_to_fs(f"{url}/out")
    assert sorted(name.rpartition("/")[2] for name in storage.find(path)) == [
        "_SUCCESS",
        "part-00000",
    ]


def test_the_old_output_comes_back_when_the_new_one_cannot_be_put_there(
    url, monkeypatch
):
    words(["a"], f"{url}/out").close()
    move = RemoteFolder.move
    moves = []

    def failing(self, some):
        moves.append(some)
        if len(moves) == 3:
            raise OSError("the storage went away")
        move(self, some)

    monkeypatch.setattr(RemoteFolder, "move", failing)
    with pytest.raises(OutputError, match=r"cannot write to .*: the storage went away"):
        words(["b"], f"{url}/out", overwrite=True)
    source = mincer.sources.output(f"{url}/out")
    assert kept(source) == [("a", 1)]


def test_an_unfinished_output_says_what_to_remove(url):
    sink = FileSink(f"{url}/out")
    sink.prepare(JOB)
    with pytest.raises(OutputError, match="unfinished output") as caught:
        words(["a"], f"{url}/out")
    assert f"{url}/out/_mincer-{JOB}" in caught.value.hint
    sink.abort_job()
    words(["a"], f"{url}/out").close()


def test_what_is_a_file_is_no_folder(url):
    storage, path = fsspec.core.url_to_fs(f"{url}/out")
    storage.pipe_file(path, b"mine")
    with pytest.raises(OutputError, match=f"{url}/out"):
        words(["a"], f"{url}/out")
    assert storage.cat_file(path) == b"mine"


def test_what_was_not_written_to_the_end_is_not_read(url):
    storage, path = fsspec.core.url_to_fs(f"{url}/out/part-00000")
    storage.pipe_file(path, b"a\t1\n")
    with pytest.raises(InputError, match="not the complete output of a job"):
        mincer.sources.output(f"{url}/out").check()
    words(["a"], f"{url}/whole").close()
    storage.pipe_file(path.replace("out/", "whole/"), b"a")
    with pytest.raises(InputError, match="has 1 bytes, and the job wrote 4"):
        mincer.sources.output(f"{url}/whole").check()


def test_a_storage_of_another_process_is_told(url):
    sink = FileSink(f"{url}/out")
    sink.prepare(JOB)
    storage, path = fsspec.core.url_to_fs(f"{url}/out/_mincer-{JOB}/on")
    storage.rm(path)
    with pytest.raises(OutputError, match="this process does not find") as caught:
        sink.open(0, 0)
    assert "memory:// is of one process alone" in caught.value.hint
    assert ASIDE not in caught.value.hint


def test_a_name_that_is_a_pattern_is_refused(url):
    with pytest.raises(OutputError, match="stands for a pattern"):
        words(["a"], f"{url}/out[1]")


def pairs_of(url):
    return kept(mincer.sources.output(url))


def test_who_may_not_remove_is_told_before_anything_is_replaced(objects, monkeypatch):
    """S3 says of each object that it may not be removed, and nobody raises that."""
    words(["a"], "objects://a/out").close()
    monkeypatch.setattr(Objects, "rm", lambda self, path, recursive=False: None)
    with pytest.raises(OutputError, match="cannot be removed"):
        words(["b"], "objects://a/out", overwrite=True)
    assert pairs_of("objects://a/out") == [("a", 1)]


def test_the_old_output_is_kept_when_nothing_can_be_removed_any_more(
    objects, monkeypatch
):
    words(["a"], "objects://a/out").close()
    sink = FileSink("objects://a/out", overwrite=True)
    sink.prepare(JOB)
    made = sink.write_part(0, [(["b"], [1])])

    def gone(self, path, **more):
        raise OSError("503: slow down")

    moved = []
    remove = Objects.rm

    def failing(self, path, recursive=False):
        if len(moved) == 2:
            monkeypatch.setattr(Objects, "rm_file", gone)
            gone(self, path)
        moved.append(path)
        remove(self, path, recursive)

    monkeypatch.setattr(Objects, "rm", failing)
    for act in (lambda: sink.commit_job({0: made}, {"job": JOB}), sink.abort_job):
        with pytest.raises(OutputError, match="503"):
            act()
    monkeypatch.undo()
    with pytest.raises(OutputError, match="unfinished output") as caught:
        FileSink("objects://a/out").check()
    assert f"objects://a/out/_mincer-{JOB}/old now" in caught.value.hint
    sink.abort_job()
    assert pairs_of("objects://a/out") == [("a", 1)]


def test_a_move_is_over_before_an_interrupt_goes_on(objects, monkeypatch):
    """What undoes it must not run beside it."""
    folder = RemoteFolder("objects://a/out")
    folder.make(ASIDE)
    folder.write(f"{ASIDE}/a", b"one")
    copy = Objects.copy

    def interrupted(self, sources, targets):
        signal.raise_signal(signal.SIGINT)
        copy(self, sources, targets)

    monkeypatch.setattr(Objects, "copy", interrupted)
    with pytest.raises(KeyboardInterrupt):
        folder.move([(f"{ASIDE}/a", "a")])
    assert folder.names() == {ASIDE, "a"}
    assert folder.read("a") == b"one"
