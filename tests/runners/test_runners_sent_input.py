"""Input that the driver sends is the input: from a copy that has a split's extents and
nothing else, each split reads what it reads from the file."""

import bz2
import gzip
import lzma
import os

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

import mincer
from mincer import sources
from mincer.arguments import job_order
from mincer.errors import MincerError
from mincer.flow.ports import BadRecord
from mincer.ids import AttemptId, TaskId
from mincer.net import needs
from mincer.net.depot import JobDepot
from mincer.runners.packing import pack_job
from mincer.runners.remote.handover import Handover
from mincer.runners.results import Results
from mincer.sources.copies import using
from mincer.wire import frames
from mincer.worker.loaded import Loaded

pytestmark = pytest.mark.cluster

JOB, TOKEN, ME, DRIVER = "0" * 32, b"t" * 16, 5, 1


def same(key, value):
    yield key, value


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("sent")


def read(split):
    """The records, and what was wrong with one."""
    found = []
    try:
        for batch in split.read():
            found += zip(batch.keys, batch.values, strict=True)
    except (BadRecord, MincerError) as error:
        found.append(str(getattr(error, "error", error)))
    return found


def as_here(told):
    """The same file, of which nothing lies under its path on this machine."""
    path = b"/nowhere" + told.path
    return frames.FileTold(told.name, path, *list(vars_of(told))[2:])


def vars_of(told):
    return [getattr(told, name) for name in told.__struct_fields__]


def sent(source, folder, split_bytes=None):
    """What each split reads from copies, as a worker has them that sees no file."""
    source.check()
    options = dict.fromkeys(
        ("workers", "memory", "output", "format", "params", "limit")
    )
    order = job_order(mincer.Job(same)._steps, source, **options, overwrite=False)
    packed = pack_job(order, 10**8)
    handover = Handover(JOB, str(folder), packed, failed)
    blob = frames.Blob(b"c" * 32, 1)
    step = frames.StepTold(blob, 1, False, False, False)
    told = frames.JobTold(JOB, "a job", DRIVER, [step])
    depot = JobDepot(told, ME, str(folder), str(folder), 10**8)
    rows = []
    for frame in list(handover.told_of(list(source.plan(handover, split_bytes)))):
        if isinstance(frame, frames.Files):
            depot.inputs.add(frame.first, list(map(as_here, frame.files)))
        else:
            rows += frame.splits
    try:
        for index, row in enumerate(rows):
            yield one_sent(depot, handover, index, row)
    finally:
        handover.close()
        depot.close()


def one_sent(depot, handover, index, row):
    name = frames.SplitName(row.packet, row.nth, row.extents)
    start = frames.StartRow((0, "map", index, 0), [name])
    attempt, wanted = depot.add_row(start)
    assert attempt == AttemptId(TaskId(JOB, 0, "map", index), 0)
    for need in wanted:
        if isinstance(need.what, needs.Code):
            outputs = [[]]
        else:
            outputs = handover.find(depot.thing(need)[0])
        data = [
            b"".join(piece.reader.read(piece.offset, piece.size) for piece in output)
            for output in outputs
        ]
        depot.sized(need, list(map(len, data)))
        depot.write(need, 0, b"".join(data))
    order = depot.order(attempt)
    split = Loaded(None).split(order.split)
    with using(order.copies):
        found = read(split)
    for need in wanted:
        if need.attempt is not None:
            depot.drop(need)
    return found


def failed(error):
    raise AssertionError(error)


def check(source, folder, split_bytes=None):
    source.check()
    expected = list(map(read, source.plan(Nothing(), split_bytes)))
    assert list(sent(source, folder, split_bytes)) == expected


class Nothing:
    """A spool for sources of files, which have no need of one."""


def in_files(folder, contents, ending=""):
    """Files with these contents, and no others."""
    paths = []
    for number, data in enumerate(contents):
        path = folder / f"file-{number}{ending}"
        path.write_bytes(data)
        paths.append(str(path))
    return paths


SIZES = st.integers(1, 40)
ENDS = st.sampled_from(["\n", "\r\n", "\n\n", "\r"])
WORDS = st.sampled_from(["", "a", "é", "word", "x" * 30, "\0", "\u2028"])


@st.composite
def texts(draw):
    lines = draw(st.lists(st.tuples(WORDS, ENDS), max_size=12))
    return "".join(map("".join, lines)).removesuffix(draw(st.sampled_from(["", "\n"])))


MANY = st.lists(texts().map(str.encode), min_size=1, max_size=3)


@given(MANY, SIZES, st.sampled_from(["utf-8", "utf-8-sig", "latin-1", "utf-16"]))
def test_lines(folder, contents, size, encoding):
    paths = in_files(folder, contents)
    check(sources.text(paths, split_size=size, encoding=encoding), folder)


@given(MANY, SIZES, SIZES, st.sampled_from(["utf-8", None]))
def test_blocks(folder, contents, size, split_bytes, encoding):
    paths = in_files(folder, contents)
    check(sources.blocks(paths, size=size, encoding=encoding), folder, split_bytes)


ROWS = st.sampled_from(["", "1", '{"a": 1}', "  ", '{"a": ', '"é"', "[1, 2, 3, 4, 5]"])


@given(st.lists(ROWS), SIZES, st.booleans())
def test_lines_of_json(folder, lines, size, is_ended):
    data = "\n".join(lines) + "\n" * is_ended
    check(sources.jsonl(in_files(folder, [data.encode()]), split_size=size), folder)


FIELDS = st.sampled_from(["", "a", "é", "x" * 20, '"a ""b"""', '"two\nlines"', '"1,2"'])


@given(
    st.integers(0, 30),
    st.lists(st.tuples(FIELDS, FIELDS), max_size=12),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
    SIZES,
)
def test_rows_of_csv(folder, blank, rows, end, is_marked, size):
    lines = [*[""] * blank, "k,l", *map(",".join, rows)]
    data = "\ufeff" * is_marked + end.join(lines)
    check(sources.csv(in_files(folder, [data.encode()]), split_size=size), folder)


@pytest.mark.parametrize("blank_bytes", [0, 65_535, 65_536, 65_537, 1_200_000])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_csv_header_behind_many_blank_lines(folder, blank_bytes, end):
    data = end * (blank_bytes // len(end)) + f"k,l{end}" + f"1,{'x' * 50}{end}" * 20_000
    source = sources.csv(in_files(folder, [data.encode()]), split_size=400_000)
    source.check()
    assert len(list(source.plan())) > 2
    check(source, folder)


PACKED = {
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": zstandard.compress,
}


@pytest.mark.parametrize("ending", PACKED)
@settings(max_examples=30)
@given(contents=MANY, size=SIZES, damage=st.integers(0, 20))
def test_compressed_files(folder, ending, contents, size, damage):
    packed = [PACKED[ending](data) for data in contents]
    packed[0] = packed[0][: len(packed[0]) - damage]
    check(sources.text(in_files(folder, packed, ending), split_size=size), folder)


@given(MANY)
def test_whole_files(folder, contents):
    check(sources.files(in_files(folder, contents)), folder)


@pytest.fixture
def results(request, tmp_path):
    job = mincer.Job(same, parts=None)
    values = [(n, "x" * n) for n in range(50)]
    output = None if request.param is None else str(tmp_path / "out")
    with job.run(
        values, runner="inline", output=output, format=request.param, progress=False
    ) as results:
        yield results


@pytest.mark.parametrize("results", ["tsv", "jsonl", "pickle"], indirect=True)
def test_results_that_were_written(results, folder):
    check(results.as_source(), folder)
    source = sources.output(os.path.dirname(results.paths[0]))
    check(source, folder, 40)
    assert [pair for some in sent(source, folder) for pair in some] == list(results)


@pytest.mark.parametrize("results", [None], indirect=True)
def test_results_in_memory(results, folder):
    assert isinstance(results, Results)
    found = list(sent(results.as_source(), folder))
    assert [pair for some in found for pair in some] == list(results)


@given(st.lists(st.text()))
def test_items(folder, values):
    found = list(sent(sources.items(values), folder))
    assert [pair for some in found for pair in some] == list(enumerate(values))
