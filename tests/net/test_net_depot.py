"""A job on a worker's disk: what attempts need, where it lies, and what is served."""

import hashlib
import io
import os
import pickle
import zipfile

import pytest

from mincer.errors import SegmentError
from mincer.flow.partitioner import HashPartitioner
from mincer.flow.run import open_runs
from mincer.flow.spiller import Spiller
from mincer.ids import AttemptId, TaskId
from mincer.net import needs
from mincer.net.depot import JobDepot
from mincer.net.machine import Need
from mincer.net.offers import NotHere
from mincer.net.same_file import ONLY_DRIVER, file_told
from mincer.store.disk import AppendFile, FileCache, Place, PlaceReader
from mincer.wire import frames, pulls
from mincer.wire.rows import CommitRow, Extent, OutputName, SplitName, StartRow
from mincer.worker.commits import read_commits
from mincer.worker.orders import MapOrder, ReduceOrder, SampleOrder

JOB, TOKEN = "0" * 32, b"t" * 16
ME, OTHER, DRIVER = 5, 6, 1
PARTS = 3
CODE = frames.Blob(b"c" * 32, 4)
KEY = JOB, TOKEN


def told(modules=None, steps=2):
    step = frames.StepTold(CODE, PARTS, True, False, False)
    return frames.JobTold(JOB, TOKEN, "a job", DRIVER, [step] * steps, modules)


@pytest.fixture
def make(tmp_path):
    made = []

    def make(**more):
        code = str(tmp_path / "code")
        depot = JobDepot(told(**more), ME, str(tmp_path), code, memory_bytes=10**8)
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


def output_of(tmp_path, name, keys):
    """What a map has made, as a place."""
    file = AppendFile(str(tmp_path / name))
    file.begin()
    spiller = Spiller(file, HashPartitioner(PARTS))
    spiller.spill(list(keys), [1] * len(keys), grouped=False)
    spiller.close()
    place = file.commit()
    file.close()
    return place


def laid_out(outputs):
    """The bytes of each output."""
    return [
        b"".join(piece.reader.read(piece.offset, piece.size) for piece in output)
        for output in outputs
    ]


def keys_in(place, part):
    files = FileCache()
    first, last = HashPartitioner(PARTS).bounds(part)
    found = []
    for run in open_runs(PlaceReader(place, files), first, last):
        for block in run.blocks(0, last - first):
            found += block.keys
    files.close()
    return sorted(found)


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
    depot.add_files(0, [file_told(str(path), size, mtime)])
    depot.add_files(1, [file_told("input", size, mtime)])
    extents = [Extent(0, 0, size), Extent(1, 0, size)]
    id, wanted = depot.add_row(row(attempt("map", 0), SplitName(0, 0, extents)))
    assert [type(need.what) for need in wanted] == [needs.Code, needs.Packet]
    for need in wanted:
        pulled(depot, need, b"x")
    assert depot.order(id).copies == {"input": str(path)}  # whatever the folder is


def test_an_input_that_is_not_here_is_copied_as_far_as_it_is_read(depot):
    there = frames.FileTold(b"in.txt", b"/not/here/in.txt", 100, 12345, b"d" * 16)
    spool = frames.FileTold(b"/spool", b"/spool", 0, -1, ONLY_DRIVER)
    depot.add_files(0, [there, spool])
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


def make_other(tmp_path, keys):
    """Another worker, that has the outputs of two maps."""
    folder = tmp_path / "other"
    folder.mkdir()
    other = JobDepot(told(), OTHER, str(folder), str(folder / "code"), 0)
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


def test_what_is_kept_is_served_whole_or_as_a_part(depot, tmp_path):
    keys = ["a", "b", "c", "d"]
    place = output_of(tmp_path, "mine", keys)
    depot.made(attempt("map", 0), place)
    whole = depot.find(pulls.OutputOf(*KEY, (0, "map", 0, 0)))
    with open(place.path, "rb") as file:
        assert laid_out(whole) == [file.read()]
    found = [
        keys_in_bytes(tmp_path, laid_out(depot.find(segments_of(part))), part)
        for part in range(PARTS)
    ]
    assert sorted(key for some in found for key in some) == keys


def segments_of(part, maps=((0, 0),)):
    return pulls.SegmentsOf(*KEY, 0, part, PARTS, list(maps))


def keys_in_bytes(tmp_path, outputs, part):
    found = []
    for data in outputs:
        path = tmp_path / "pulled-part"
        path.write_bytes(data)
        found += keys_in(Place(str(path), 0, len(data)), part)
    return found


def test_what_is_not_kept_is_told_by_name(depot, tmp_path):
    depot.made(attempt("map", 0), output_of(tmp_path, "mine", ["a"]))
    with pytest.raises(NotHere) as told:
        depot.find(segments_of(0, [(0, 0), (1, 0), (0, 1)]))
    assert told.value.lost == [(1, 0), (0, 1)]
    with pytest.raises(NotHere, match="is not here"):
        depot.find(pulls.OutputOf(*KEY, (0, "map", 5, 0)))
    with pytest.raises(NotHere, match="nothing else"):
        depot.find(pulls.PacketOf(*KEY, 0))


@pytest.mark.parametrize(
    ("step", "part", "parts"), [(9, 0, PARTS), (0, 0, PARTS + 1), (0, PARTS, PARTS)]
)
def test_a_part_that_the_job_has_not_is_not_cut(depot, tmp_path, step, part, parts):
    depot.made(attempt("map", 0), output_of(tmp_path, "mine", ["a"]))
    with pytest.raises(NotHere, match="no such part"):
        depot.find(pulls.SegmentsOf(*KEY, step, part, parts, [(0, 0)]))


def test_damage_is_told_as_a_loss(depot, tmp_path):
    place = output_of(tmp_path, "mine", ["a"])
    depot.made(attempt("map", 0), place)
    os.truncate(place.path, place.length_bytes - 1)
    with pytest.raises(NotHere) as told:
        depot.find(segments_of(0))
    assert told.value.lost == [(0, 0)]


def test_who_has_not_the_token_gets_nothing(depot, tmp_path):
    depot.made(attempt("map", 0), output_of(tmp_path, "mine", ["a"]))
    with pytest.raises(NotHere, match="token"):
        depot.find(pulls.OutputOf(JOB, b"wrong".ljust(16), (0, "map", 0, 0)))


def test_what_is_discarded_is_served_no_more(depot, tmp_path):
    depot.made(attempt("map", 0), output_of(tmp_path, "mine", ["a"]))
    depot.discard(attempt("map", 0))
    depot.discard(attempt("map", 0))
    with pytest.raises(NotHere):
        depot.find(segments_of(0))


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
