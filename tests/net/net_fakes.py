"""A worker's disk and children, in memory: what attempts make is text."""

from mincer.core.events import Fault
from mincer.errors import JobError, SegmentError
from mincer.ids import AttemptId, TaskId
from mincer.net.inputs import Found, Inputs
from mincer.net.machine import Need
from mincer.net.offers import Bytes, NotHere, Piece
from mincer.net.ports import Kept
from mincer.net.same_folder import SharedFolder
from mincer.wire import pulls
from mincer.wire.frames import SplitName, attempt_of
from mincer.worker.orders import AttemptUnmade
from mincer.worker.page import Position

TOKEN = b"t" * 16


class FakeInputs(Inputs):
    """Input files, of which these are here."""

    def __init__(self, here):
        super().__init__()
        self.here = here

    def look(self):
        first, files, _ = super().look()
        bits = sum(1 << n for n in range(files) if first + n in self.here)
        return Found(first, files, bits.to_bytes(-(-files // 8), "little"))


class FakeDepot:
    """A job on a worker, in memory."""

    memory_bytes = 0

    def __init__(self, told, me, here=()):
        self.told = told
        self.me = me
        self.inputs = FakeInputs(here)
        self.shared = SharedFolder(told)
        self.commits = {}
        self.withdrawn = {}
        self.cuts = {}
        self.rows = {}
        self.output = {}
        self.pulled = {}
        self.sizes = {}
        self.ways = {}
        self.is_trusted = False
        self.is_closed = False

    def trust(self, token):
        self.is_trusted = True

    def add_commits(self, step, first, rows):
        commits = self.commits.setdefault(step, [])
        assert first == len(commits)
        commits += rows

    def add_withdrawals(self, step, first, numbers):
        withdrawn = self.withdrawn.setdefault(step, [])
        assert first == len(withdrawn)
        withdrawn += numbers

    def set_cuts(self, step, output):
        self.cuts[step] = output

    def add_row(self, row):
        assert self.is_trusted
        attempt = attempt_of(self.told.job, row.attempt)
        self.rows[attempt] = row
        return attempt, tuple(self.needs(attempt, row))

    def needs(self, attempt, row):
        job, step, kind, _ = attempt.task
        yield Need(job, ("code", step))
        cuts = self.cuts.get(step)
        if kind == "map" and cuts is not None and cuts.keeper != self.me:
            yield Need(job, ("cuts", step, cuts))
        for one in row.inputs:
            if isinstance(one, SplitName):
                yield Need(job, ("packet", one.packet))
            elif one.keeper != self.me and one.length_bytes:
                yield Need(job, ("output", one), attempt)
        if kind == "reduce":
            for keeper in {one.keeper for one in self.read_by(row)} - {self.me}:
                yield Need(job, ("segments", keeper), attempt)

    def read_by(self, row):
        step = row.attempt[0]
        without = set(self.withdrawn.get(step, [])[: row.withdrawals])
        commits = self.commits.get(step, [])
        assert len(commits) >= row.commits
        return [one for n, one in enumerate(commits[: row.commits]) if n not in without]

    def thing(self, need):
        key = self.told.job, TOKEN
        match need.what:
            case ("code", step):
                return pulls.BlobOf(*key, bytes([step]) * 16), self.told.driver
            case ("packet", packet):
                return pulls.PacketOf(*key, packet), self.told.driver
            case ("cuts", _, output) | ("output", output):
                return pulls.OutputOf(*key, output.attempt), output.keeper
            case ("segments", keeper):
                _, step, _, part = need.attempt.task
                parts = self.told.steps[step].parts
                maps = self.maps_of(need)
                return pulls.SegmentsOf(*key, step, part, parts, maps), keeper

    def maps_of(self, need):
        read = self.read_by(self.rows[need.attempt])
        return [(one.index, one.number) for one in read if one.keeper == need.what[1]]

    def lost_with(self, need):
        match need.what:
            case ("cuts", _, output) | ("output", output):
                return (attempt_of(self.told.job, output.attempt),)
            case ("segments", _):
                job, step, _, _ = need.attempt.task
                return tuple(
                    AttemptId(TaskId(job, step, "map", index), number)
                    for index, number in self.maps_of(need)
                )
        return ()

    def sized(self, need, sizes):
        self.sizes[need] = sizes
        self.pulled[need] = bytearray(sum(sizes))

    def write(self, need, offset, data):
        self.pulled[need][offset : offset + len(data)] = data

    def whole(self, need, is_direct):
        if need.attempt is not None:
            ways = list(self.ways.get(need.attempt, (0, 0, 0)))
            ways[1 if is_direct else 2] += len(self.pulled[need])
            self.ways[need.attempt] = tuple(ways)

    def drop(self, need):
        self.pulled.pop(need, None)

    def order(self, attempt):
        """What it reads, as texts."""
        row = self.rows[attempt]
        job, step, kind, index = attempt.task
        assert self.pulled[Need(job, ("code", step))] == b"code %d" % step
        read = []
        for one in row.inputs:
            if isinstance(one, SplitName):
                packet = self.pulled[Need(job, ("packet", one.packet))]
                read.append(packet.decode().split("|")[one.nth])
            else:
                read.append(self.one_output(one, Need(job, ("output", one), attempt)))
        if step in self.cuts and kind == "map":
            cuts = self.cuts[step]
            cut_at = self.one_output(cuts, Need(job, ("cuts", step, cuts)))
            assert cut_at == "cuts"
        at = {}
        for one in sorted(self.read_by(row), key=lambda one: one.index):
            made_by = AttemptId(TaskId(job, step, "map", one.index), one.number)
            if one.keeper == self.me:
                read.append(segment(self.own(made_by), index))
        for keeper in {one.keeper for one in self.read_by(row)} - {self.me}:
            need = Need(job, ("segments", keeper), attempt)
            data, at = self.pulled[need], 0
            for size in self.sizes[need]:
                read.append(data[at : at + size].decode())
                at += size
        return attempt, read

    def one_output(self, output, need):
        if not output.length_bytes:
            return ""
        if output.keeper == self.me:
            return self.own(attempt_of(self.told.job, output.attempt))
        return self.pulled[need].decode()

    def own(self, attempt):
        if attempt not in self.output:
            lost = SegmentError("gone")
            lost.segment = attempt
            raise lost
        return self.output[attempt]

    def made(self, attempt, place):
        self.rows.pop(attempt)
        self.output[attempt] = place.path
        return Kept(self.ways.pop(attempt, (0, 0, 0)))

    def ended(self, attempt):
        self.rows.pop(attempt, None)

    def discard(self, attempt):
        self.output.pop(attempt, None)

    def release(self, step):
        for attempt in [one for one in self.output if one.task[1:3] == (step, "map")]:
            del self.output[attempt]

    def find(self, thing):
        assert thing.token == TOKEN
        if isinstance(thing, pulls.OutputOf):
            attempt = attempt_of(self.told.job, thing.attempt)
            if attempt not in self.output:
                raise NotHere("gone")
            return [[piece(self.output[attempt])]]
        outputs, lost = [], []
        for index, number in thing.maps:
            task = TaskId(self.told.job, thing.step, "map", index)
            made = self.output.get(AttemptId(task, number))
            if made is None:
                lost.append((index, number))
            else:
                outputs.append([piece(segment(made, thing.part))])
        if lost:
            raise NotHere("gone", lost)
        return outputs

    def close(self):
        self.is_closed = True


class FakeSpool:
    """What is laid aside of a job, in memory."""

    def __init__(self, job, token):
        self.job = job
        self.data = {}
        self.here = {}
        self.room_bytes = 10**9
        self.is_closed = False

    def begin(self, thing, size_bytes):
        if size_bytes > self.room_bytes:
            raise JobError("no room")
        self.data[thing] = bytearray(size_bytes)

    def write(self, thing, offset, data):
        self.data[thing][offset : offset + len(data)] = data

    def whole(self, thing):
        self.here[thing] = self.data.pop(thing).decode()

    def has(self, thing):
        return thing in self.here

    def find(self, thing):
        assert thing.token == TOKEN
        if not isinstance(thing, pulls.SegmentsOf):
            if thing not in self.here:
                raise NotHere("not laid aside")
            return [[piece(self.here[thing])]]
        outputs, lost = [], []
        for index, number in thing.maps:
            name = thing.step, "map", index, number
            made = self.here.get(pulls.OutputOf(thing.job, thing.token, name))
            if made is None:
                lost.append((index, number))
            else:
                outputs.append([piece(segment(made, thing.part))])
        if lost:
            raise NotHere("gone", lost)
        return outputs

    def close(self):
        self.is_closed = True


def piece(text):
    data = text.encode()
    return Piece(Bytes(data), 0, len(data))


def segment(output, part):
    return f"<{output}/{part}>"


class FakeChildren:
    """Runs what it is given, each for a while."""

    def __init__(self, world, worker):
        self.world = world
        self.worker = worker
        self.slots = []

    def add(self, order, after, memory_bytes):
        for slot in self.slots:
            if any(one[0] == after for one in slot):
                slot.append(order)
                return
        self.slots.append([order])
        assert len(self.slots) <= self.worker.slots
        self.start(self.slots[-1])

    def send(self):
        pass

    def start(self, slot):
        first = slot[0]
        self.world.later(self.world.how_long(), lambda: self.end(slot, first))

    def end(self, slot, first):
        if not any(slot is one for one in self.slots) or slot[0] is not first:
            return  # it was cancelled
        attempt, read = slot.pop(0)
        self.next(slot)
        self.worker.node.told(self.world.made(attempt, read), self.world.now)

    def next(self, slot):
        if slot:
            self.start(slot)
        else:
            self.slots = [one for one in self.slots if one is not slot]

    def recall(self, attempt):
        for slot in self.slots:
            if slot[0][0] == attempt:
                back = tuple(one[0] for one in slot[1:])
                del slot[1:]
                return back
        return ()

    def cancel(self, attempt):
        for slot in self.slots:
            for order in slot:
                if order[0] == attempt:
                    was_first = order is slot[0]
                    slot.remove(order)
                    if was_first:
                        self.next(slot)
                    return was_first
        return False

    def time_out(self, attempt, limit_s):
        self.cancel(attempt)
        return AttemptUnmade(attempt, Fault.TIMED_OUT, SegmentError("time"), None)

    def in_work(self):
        return [(slot[0][0], Position(0, 0, 0, 0, 0)) for slot in self.slots]
