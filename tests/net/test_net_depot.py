"""A job on a worker's disk: what attempts need, where it lies, and what is served."""

import hashlib
import io
import os
import pickle
import zipfile

import pytest
from net_outputs import PARTS, keys_in, laid_out, output_of

from mincer.errors import SegmentError
from mincer.ids import AttemptId, TaskId
from mincer.net import needs
from mincer.net.depot import JobDepot
from mincer.net.machine import Need
from mincer.net.offers import NotHere
from mincer.net.same_file import ONLY_DRIVER, file_told
from mincer.net.same_folder import leave_token
from mincer.sources.copies import Copy
from mincer.wire import frames, pulls
from mincer.wire.rows import CommitRow, Extent, OutputName, SplitName, StartRow
from mincer.worker.commits import read_commits
from mincer.worker.orders import MapOrder, ReduceOrder, SampleOrder

JOB, TOKEN = "0" * 32, b"t" * 16
ME, OTHER, DRIVER = 5, 6, 1
CODE = frames.Blob(b"c" * 32, 4)
KEY = JOB, TOKEN


def told(modules=None, steps=2, output=None):
    step = frames.StepTold(CODE, PARTS, True, False, False)
    shape = [step] * steps
    return frames.JobTold(JOB, "a job", DRIVER, shape, modules, output=output)


@pytest.fixture
def make(tmp_path):
    made = []

    def make(is_near=None, **more):
        code = str(tmp_path / "code")
        depot = JobDepot(told(**more), ME, str(tmp_path), code, 10**8, is_near)
        depot.trust(TOKEN)
        made.append(depot)
        return depot

    yield make
    for depot in made:
        depot.close()


@pytest.fixture
def depot(make):
    return make()


def attempt(kind, index, number=0, step=0):
    return AttemptId(TaskId(JOB, step, kind, index), number)


def row(id, *inputs, **more):
    return StartRow(frames.name_of(id), list(inputs), **more)


def pulled(depot, need, *outputs):
    """The need arrives, in small pieces."""
    depot.sized(need, list(map(len, outputs)))
    data = b"".join(outputs)
    for at in range(0, len(data), 7):
        depot.write(need, at, data[at : at + 7])


def test_a_map_needs_its_code_and_its_packet(depot):
    id, wanted = depot.add_row(row(attempt("map", 0), SplitName(3, 1)))
    assert id == attempt("map", 0)
    assert wanted == (Need(JOB, needs.Code(0)), Need(JOB, needs.Packet(3)))
    things = [depot.thing(need) for need in wanted]
    assert things == [
        (pulls.BlobOf(*KEY, CODE.digest), DRIVER),
        (pulls.PacketOf(*KEY, 3), DRIVER),
    ]
    assert [depot.lost_with(need) for need in wanted] == [(), ()]


def test_its_order_names_what_lies_here(depot):
    id, (code, packet) = depot.add_row(
        row(attempt("map", 0), SplitName(3, 1), skip=[4], careful=True)
    )
    pulled(depot, code, b"the code")
    pulled(depot, packet, b"the packet")
    order = depot.order(id)
    assert isinstance(order, MapOrder)
    assert (order.split, order.skip, order.careful) == ((b"the packet", 1), (4,), True)
    with open(order.files.code, "rb") as file:
        assert file.read() == b"the code"
    assert order.files.memory_bytes == 10**8
    assert order.copies == {}
    second, _ = depot.add_row(row(attempt("map", 1), SplitName(3, 0)))
    assert depot.order(second).split[0] is order.split[0]  # a child knows it by that


def test_modules_are_unpacked_once_where_children_look_for_them(make, tmp_path):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("mine.py", "x = 1\n")
    digest = hashlib.sha256(data.getvalue()).digest()
    blob = frames.Blob(digest, len(data.getvalue()))
    depot = make(modules=blob)
    id, wanted = depot.add_row(row(attempt("map", 0), SplitName(0, 0)))
    code, modules, packet = wanted
    assert depot.thing(modules) == (pulls.BlobOf(*KEY, blob.digest), DRIVER)
    for need, value in ((code, b"c"), (modules, data.getvalue()), (packet, b"p")):
        pulled(depot, need, value)
    files = depot.order(id).files
    assert files.modules.digest == blob.digest.hex()
    folder = os.path.join(files.modules.folder, files.modules.digest)
    assert os.path.exists(os.path.join(folder, "mine.py"))


def test_an_input_that_is_here_is_read_where_it_lies(depot, tmp_path, monkeypatch):
    path = tmp_path / "input"
    path.write_bytes(b"some lines\n")
    monkeypatch.chdir(tmp_path)
    size, mtime = path.stat().st_size, path.stat().st_mtime_ns
    depot.inputs.add(0, [file_told(str(path), size, mtime)])
    depot.inputs.add(1, [file_told("input", size, mtime)])
    extents = [Extent(0, 0, size), Extent(1, 0, size)]
    id, wanted = depot.add_row(row(attempt("map", 0), SplitName(0, 0, extents)))
    assert [type(need.what) for need in wanted] == [needs.Code, needs.Packet]
    for need in wanted:
        pulled(depot, need, b"x")
    # Whatever the folder of the child is.
    assert depot.order(id).copies == {"input": Copy(str(path))}


def test_an_input_that_is_not_here_is_copied_as_far_as_it_is_read(depot):
    there = frames.FileTold(b"in.txt", b"/not/here/in.txt", 100, 12345, b"d" * 16)
    spool = frames.FileTold(b"/spool", b"/spool", 0, -1, ONLY_DRIVER)
    depot.inputs.add(0, [there, spool])
    extents = [Extent(0, 9, 20), Extent(1, 5, 8), Extent(0, 0, 4)]
    id, wanted = depot.add_row(row(attempt("map", 0), SplitName(0, 0, extents)))
    code, packet, *inputs = wanted
    assert [need.attempt for need in inputs] == [id] * 3
    thing = pulls.InputOf(*KEY, 0, 9, 20)
    assert depot.thing(inputs[0]) == (thing, DRIVER)
    for need in (code, packet):
        pulled(depot, need, b"x")
    pulled(depot, inputs[0], b"eleven byte and the line's end")
    pulled(depot, inputs[1], b"abc")
    pulled(depot, inputs[2], b"head")
    copies = depot.order(id).copies
    assert set(copies) == {"in.txt", "/spool"}
    assert copies["in.txt"].ranges == ((0, 4), (9, 39))
    assert copies["/spool"].ranges == ((5, 8),)
    copies = {name: copy.path for name, copy in copies.items()}
    found = os.stat(copies["in.txt"])
    assert (found.st_size, found.st_mtime_ns) == (100, 12345)
    with open(copies["in.txt"], "rb") as file:
        data = file.read()
    assert data[:4] == b"head"
    assert data[9:].startswith(b"eleven byte and the line's end\0")
    with open(copies["/spool"], "rb") as file:
        assert file.read() == bytes(5) + b"abc"
    for need in inputs:
        depot.drop(need)
    assert not any(map(os.path.exists, copies.values()))


def test_a_reduce_reads_what_is_here_and_what_was_pulled(depot, tmp_path):
    keys = ["a", "b", "c", "d", "e", "f", "g"]
    mine = output_of(tmp_path, "mine", keys)
    depot.made(attempt("map", 1), mine)
    depot.add_commits(0, 0, [CommitRow(0, 0, OTHER, 9), CommitRow(1, 0, ME, 9)])
    depot.add_commits(0, 2, [CommitRow(9, 9, OTHER, 9), CommitRow(2, 3, OTHER, 9)])
    depot.add_withdrawals(0, 0, [2])
    id, wanted = depot.add_row(row(attempt("reduce", 1), commits=4, withdrawals=1))
    code, segments = wanted
    assert segments == Need(JOB, needs.Segments(OTHER, 0), id)
    maps = [(0, 0), (2, 3)]
    assert depot.thing(segments) == (pulls.SegmentsOf(*KEY, 0, 1, PARTS, maps), OTHER)
    assert depot.lost_with(segments) == (attempt("map", 0), attempt("map", 2, 3))
    other = make_other(tmp_path, keys)
    pulled(depot, code, b"x")
    pulled(depot, segments, *laid_out(other.find(depot.thing(segments)[0])))
    order = depot.order(id)
    assert isinstance(order, ReduceOrder)
    commits = read_commits(order.log, order.commits, order.without)
    assert [commit.attempt.task.index for commit in commits] == [0, 1, 2]
    expected = keys_in(mine, 1)
    assert [keys_in(commit.place, 1) for commit in commits] == [expected] * 3
    other.close()


def test_files_of_segments_are_written_over_by_the_next_ones(depot, tmp_path):
    lengths = [9, 0, 4, 12, 2, 7]
    made = [bytes([index]) * size for index, size in enumerate(lengths)]
    paths = set()
    for index, data in enumerate(made):
        depot.add_commits(0, index, [CommitRow(index, 0, OTHER, 9)])
        id, wanted = depot.add_row(row(attempt("reduce", index % 2), commits=index + 1))
        segments = wanted[-1]
        pulled(depot, segments, *[data] * (index + 1))
        order_path = depot._pulled[segments].path
        with open(order_path, "rb") as file:
            assert file.read(len(data) * (index + 1)) == data * (index + 1)
        paths.add(order_path)
        depot.drop(segments)
    assert len(paths) == 1
    together = [Need(JOB, needs.Segments(OTHER, n), id) for n in range(9)]
    for need in together:
        pulled(depot, need, b"x")
    assert len({depot._pulled[need].path for need in together}) == 9
    for need in together:
        depot.drop(need)
    assert len(os.listdir(os.path.dirname(order_path))) == 4
    depot.close()
    assert list(tmp_path.iterdir()) == []


def test_what_another_worker_made_here_is_read_from_its_file(make, tmp_path):
    depot, other = make(is_near=[OTHER].count), make(is_near=[ME].count)
    made = output_of(tmp_path, "other", list("abcdefghijkl"))
    kept = other.made(attempt("map", 0), made)
    assert kept.by_way == (0, 0, 0)
    near = CommitRow(0, 0, OTHER, made.length_bytes, kept.index_digest, kept.place)
    depot.add_commits(0, 0, [near, CommitRow(1, 0, OTHER, 9)])
    id, (code, segments) = depot.add_row(row(attempt("reduce", 1), commits=2))
    assert depot.thing(segments)[0].maps == [(1, 0)]
    assert depot.lost_with(segments) == (attempt("map", 1),)
    pulled(depot, code, b"x")
    pulled(depot, segments, b"seven b")
    depot.whole(segments, is_direct=True)
    order = depot.order(id)
    first, second = read_commits(order.log, order.commits, order.without)
    assert first.place == made
    assert second.place.length_bytes == 7
    file, direct, relayed = depot.made(id, None).by_way
    assert 0 < file < made.length_bytes
    assert (direct, relayed) == (7, 0)


def test_what_a_worker_made_that_has_left_is_pulled(make, tmp_path):
    near = {OTHER}
    depot = make(is_near=near.__contains__)
    made = output_of(tmp_path, "other", ["a"])
    kept = make(is_near=near.__contains__).made(attempt("map", 0), made)
    commit = CommitRow(0, 0, OTHER, made.length_bytes, kept.index_digest, kept.place)
    depot.add_commits(0, 0, [commit])
    before, (code,) = depot.add_row(row(attempt("reduce", 0), commits=1))
    near.clear()
    _, (_, segments) = depot.add_row(row(attempt("reduce", 1), commits=1))
    assert depot.thing(segments)[0].maps == [(0, 0)]
    pulled(depot, code, b"x")
    order = depot.order(before)
    (read,) = read_commits(order.log, order.commits, order.without)
    assert read.place == made


def test_without_local_reads_nobody_is_told_of_files(depot, tmp_path):
    kept = depot.made(attempt("map", 0), output_of(tmp_path, "mine", ["a"]))
    assert (kept.place, kept.index_digest) == (None, b"")


def test_what_came_by_way_of_the_coordinator_is_counted_apart(depot):
    depot.add_commits(0, 0, [CommitRow(0, 0, OTHER, 9)])
    id, (_, segments) = depot.add_row(row(attempt("reduce", 1), commits=1))
    pulled(depot, segments, b"seven b")
    depot.whole(segments, is_direct=False)
    assert depot.made(id, None).by_way == (0, 0, 7)


def make_other(tmp_path, keys):
    """Another worker, that has the outputs of two maps."""
    folder = tmp_path / "other"
    folder.mkdir()
    other = JobDepot(told(), OTHER, str(folder), str(folder / "code"), 0)
    other.trust(TOKEN)
    for id in (attempt("map", 0), attempt("map", 2, 3)):
        other.made(id, output_of(tmp_path, f"other-{id.task.index}", keys))
    return other


def test_an_output_of_ones_own_that_is_gone_is_lost(depot):
    depot.add_commits(0, 0, [CommitRow(0, 0, ME, 9)])
    id, (code,) = depot.add_row(row(attempt("reduce", 0), commits=1))
    pulled(depot, code, b"x")
    with pytest.raises(SegmentError) as told:
        depot.order(id)
    assert told.value.segment == attempt("map", 0)


def test_a_later_step_reads_outputs_as_splits(depot, tmp_path):
    place = output_of(tmp_path, "mine", ["a"])
    depot.made(attempt("reduce", 0), place)
    mine = OutputName((0, "reduce", 0, 0), ME, place.length_bytes)
    theirs = OutputName((0, "reduce", 1, 0), OTHER, 4)
    id, wanted = depot.add_row(row(attempt("sample", 0, step=1), mine, theirs))
    code, output = wanted
    assert output == Need(JOB, needs.Output(theirs), id)
    assert depot.thing(output) == (pulls.OutputOf(*KEY, theirs.attempt), OTHER)
    assert depot.lost_with(output) == (attempt("reduce", 1),)
    pulled(depot, code, b"x")
    pulled(depot, output, b"data")
    order = depot.order(id)
    assert isinstance(order, SampleOrder)
    (one,), (two,) = [pickle.loads(packet) for packet, _ in order.splits]
    assert one.place == place
    assert (two.made_by, two.place.length_bytes) == (attempt("reduce", 1), 4)


def test_what_is_empty_is_asked_of_nobody(depot):
    empty = OutputName((0, "reduce", 1, 0), OTHER, 0)
    id, wanted = depot.add_row(row(attempt("map", 1, step=1), empty))
    assert not any(isinstance(one.what, needs.Output) for one in wanted)
    for one in wanted:
        pulled(depot, one, b"x")
    packet, nth = depot.order(id).split
    split = pickle.loads(packet)[nth]
    assert (split.made_by, list(split.read())) == (attempt("reduce", 1), [])


def test_cut_points_come_from_who_has_them(depot, tmp_path):
    cuts = OutputName((0, "sample", 0, 0), OTHER, 4)
    depot.set_cuts(0, cuts)
    id, wanted = depot.add_row(row(attempt("map", 0), SplitName(0, 0)))
    need = Need(JOB, needs.Cuts(0, cuts))
    assert need in wanted
    assert depot.thing(need) == (pulls.OutputOf(*KEY, cuts.attempt), OTHER)
    assert depot.lost_with(need) == (attempt("sample", 0),)
    for one in wanted:
        pulled(depot, one, b"data")
    assert depot.order(id).files.cuts.length_bytes == 4
    _, of_sample = depot.add_row(row(attempt("sample", 0, 1), SplitName(0, 0)))
    assert need not in of_sample
    depot.made(attempt("sample", 0, 1), output_of(tmp_path, "cuts", ["a"]))
    depot.set_cuts(0, OutputName((0, "sample", 0, 1), ME, 4))
    id, wanted = depot.add_row(row(attempt("map", 1), SplitName(0, 0)))
    assert not any(isinstance(one.what, needs.Cuts) for one in wanted)
    assert depot.order(id).files.cuts.path == str(tmp_path / "cuts")


@pytest.mark.parametrize("kind", ["sample", "reduce"])
def test_only_maps_need_cut_points_which_may_be_lost_for_others(depot, kind):
    depot.set_cuts(0, OutputName((0, "sample", 0, 0), OTHER, 4))
    splits = [SplitName(0, 0)] if kind == "sample" else []
    id, wanted = depot.add_row(row(attempt(kind, 0, 1), *splits))
    assert not any(isinstance(one.what, needs.Cuts) for one in wanted)
    for one in wanted:
        pulled(depot, one, b"data")
    assert depot.order(id).files.cuts is None


def test_a_disk_that_takes_no_more_is_told(depot):
    need = Need(JOB, needs.Packet(0))
    depot.sized(need, [4])
    os.remove(depot._pulled[need].path)
    with pytest.raises(SegmentError, match="the disk of"):
        depot.write(need, 0, b"data")


def test_nothing_is_left_of_a_job_that_is_over(depot, tmp_path):
    pulled(depot, Need(JOB, needs.Packet(0)), b"data")
    depot.drop(Need(JOB, needs.Packet(0)))
    depot.drop(Need(JOB, needs.Packet(0)))
    depot.close()
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def shared(tmp_path):
    folder = tmp_path / "aside"
    folder.mkdir()
    return leave_token(str(folder))


def files_of(depot, number, **more):
    id, wanted = depot.add_row(row(attempt("reduce", number), **more))
    for need in wanted:
        pulled(depot, need, b"x")
    return depot.order(id).files


def test_parts_are_written_where_the_driver_left_its_token(make, shared):
    depot = make(output=shared)
    assert not files_of(depot, 0).sends
    assert files_of(depot, 1, sends=True).sends  # the driver does not find them
    assert files_of(depot, 2).sends


def test_parts_are_sent_where_it_left_none(make, depot):
    assert files_of(depot, 0).sends
    assert files_of(make(output=(b"/nowhere/token", b"t" * 16)), 0).sends


def test_it_is_known_what_was_sent(depot, tmp_path):
    path = tmp_path / "input"
    path.write_bytes(b"some lines\n")
    here = file_told(str(path), 11, path.stat().st_mtime_ns)
    there = frames.FileTold(b"in.txt", b"/not/here/in.txt", 100, 12345, b"d" * 16)
    depot.inputs.add(0, [here, there])
    one, two, three = (attempt("map", n) for n in range(3))
    depot.add_row(row(one, SplitName(0, 0, [Extent(0, 0, 11)])))
    depot.add_row(row(two, SplitName(0, 0, [Extent(0, 0, 11), Extent(1, 0, 9)])))
    depot.add_row(row(three, SplitName(0, 0)))
    sent = [depot.made(one, None).was_sent for one in (one, two, three)]
    assert sent == [False, True, False]


def test_who_was_given_nothing_to_do_has_no_right_to_the_data(tmp_path):
    depot = JobDepot(told(), ME, str(tmp_path), str(tmp_path / "code"), 10**8)
    depot.made(attempt("map", 0), output_of(tmp_path, "mine", ["a"]))
    for token in (b"", TOKEN):
        with pytest.raises(NotHere, match="the token is not that of the job"):
            depot.find(pulls.OutputOf(JOB, token, (0, "map", 0, 0)))
    depot.trust(TOKEN)
    assert depot.find(pulls.OutputOf(JOB, TOKEN, (0, "map", 0, 0)))
    depot.close()
