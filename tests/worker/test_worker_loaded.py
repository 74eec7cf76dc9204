"""What a child keeps loaded: each thing once, and nothing that was used up."""

import pickle

import pytest
from job_folder import ListSplit

from mincer.errors import ShipError
from mincer.job import by_range
from mincer.store.disk import AppendFile, FileCache
from mincer.worker.loaded import Loaded


@pytest.fixture
def loaded():
    files = FileCache()
    yield Loaded(files)
    files.close()


def words(key, line):
    for word in line.split():
        yield word, 1


def test_code_is_loaded_once(job, loaded):
    files = job.files(job.code(words, sum), "maps")
    assert loaded.code(files) is loaded.code(files)


def test_only_a_few_codes_are_kept(job, loaded):
    first = job.files(job.code(words, sum), "maps")
    before = loaded.code(first)
    for n in range(9):
        loaded.code(job.files(job.code(words, sum, name=f"code-{n}"), "maps"))
    assert loaded.code(first) is not before


def test_code_that_cannot_be_loaded_is_said(job, loaded):
    (job.path / "broken").write_bytes(b"\x03\x0bnothing")
    with pytest.raises(ShipError, match="cannot be loaded in a worker"):
        loaded.code(job.files(str(job.path / "broken"), "maps"))


def test_a_program_has_the_cut_points_of_its_step(job, loaded):
    code = loaded.code(job.files(job.code(words, partitionfn=by_range), "maps"))
    output = AppendFile(str(job.path / "cuts"))
    output.begin()
    output.write(pickle.dumps([1, 2]))
    place = output.commit()
    output.close()
    program = loaded.program(code, place)
    assert (program.step, program.cuts) == (code.step, [1, 2])
    assert loaded.program(code, place) is program
    assert loaded.program(code, None).cuts is None
    assert loaded.program(code, place).cuts is program.cuts


def test_a_split_is_given_out_once(loaded):
    packet = pickle.dumps([ListSplit(["a"]), ListSplit(["b"])])
    first, second = (loaded.split((packet, nth)) for nth in (0, 1))
    assert [next(one.read()).values for one in (first, second)] == [["a"], ["b"]]
    again = loaded.split((packet, 1))
    assert again is not second
    other = loaded.split((pickle.dumps([ListSplit(["c"])]), 0))
    assert next(other.read()).values == ["c"]
