"""A cluster in memory, in virtual time: real hub, nodes and driver; children and disks
that are numbers; a network that loses, repeats, delays and cuts.

What an attempt makes is text computed from what it reads, so that a result can be
compared with the sequential one.
"""

import random
from functools import partial
from heapq import heappop, heappush
from itertools import count

from mincer.core.events import Fault
from mincer.core.invariants import check
from mincer.core.worker import Need
from mincer.errors import SegmentError
from mincer.flow.ports import MapMade, PartMade, ReduceMade
from mincer.ids import AttemptId, TaskId
from mincer.net.driver import Driver
from mincer.net.hub import Hub
from mincer.net.node import Node
from mincer.net.offers import Bytes, NotHere, Piece
from mincer.store.disk import Place
from mincer.wire import frames, pulls
from mincer.wire.frames import SplitName, attempt_of
from mincer.worker.orders import AttemptMade, AttemptUnmade
from mincer.worker.page import Position

VERSIONS = ("0", "3")
TOKEN = b"t" * 16


class FakeDepot:
    """A job on a worker, in memory."""

    memory_bytes = 0

    def __init__(self, told, me):
        self.told = told
        self.me = me
        self.files = []
        self.commits = {}
        self.withdrawn = {}
        self.cuts = {}
        self.rows = {}
        self.output = {}
        self.pulled = {}
        self.sizes = {}
        self.is_closed = False

    def add_files(self, first, files):
        assert first == len(self.files)
        self.files += files

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
        attempt = attempt_of(self.told.job, row.attempt)
        self.rows[attempt] = row
        return attempt, tuple(self.needs(attempt, row))

    def needs(self, attempt, row):
        job, step, kind, _ = attempt.task
        yield Need(job, ("code", step))
        cuts = self.cuts.get(step)
        if kind != "sample" and cuts is not None and cuts.keeper != self.me:
            yield Need(job, ("cuts", step, cuts))
        for one in row.inputs:
            if isinstance(one, SplitName):
                yield Need(job, ("packet", one.packet))
            elif one.keeper != self.me:
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
        if step in self.cuts and kind != "sample":
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

    def ended(self, attempt):
        self.rows.pop(attempt, None)

    def discard(self, attempt):
        self.output.pop(attempt, None)

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


def key_of(name):
    return name.ljust(40, "-")


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


class FakeWorker:
    """A worker process."""

    def __init__(self, world, name, slots):
        self.world = world
        self.name = name
        self.slots = slots
        self.depots = []
        hello = frames.Hello(
            frames.PROTOCOL, *VERSIONS, "worker", name, slots=slots, address="here"
        )
        self.children = FakeChildren(world, self)
        self.node = Node(hello, self.children, self.open_depot)

    def open_depot(self, told, me):
        self.depots.append(FakeDepot(told, me))
        return self.depots[-1]


class FakeDriver:
    """A driver process, with its jobs."""

    def __init__(self, world, name):
        self.world = world
        self.name = name
        hello = frames.Hello(frames.PROTOCOL, *VERSIONS, "driver", name)
        self.node = Driver(hello)
        self.jobs = {}


class FakeJob:
    """One job of a driver."""

    token = TOKEN

    def __init__(self, driver, job, steps, splits, attempts_max=4):
        self.driver = driver
        self.job = job
        self.steps = steps
        self.splits = splits
        self.coming = {}
        self.parts = {}
        self.accounts = {}
        self.over = None
        self.submit = frames.Submit(
            job, TOKEN, "a job", steps, attempts_max=attempts_max
        )

    def hand_over(self, at_once=3):
        driver = self.driver.node
        driver.submit(self.submit, self)
        for first in range(0, self.splits, at_once):
            rows = [
                frames.SplitRow(first // at_once, nth, 1)
                for nth in range(min(at_once, self.splits - first))
            ]
            driver.say(frames.Splits(self.job, first, rows))
        driver.say(frames.InputEnd(self.job))
        self.at_once = at_once

    def find(self, thing):
        match thing:
            case pulls.BlobOf(digest=digest):
                return [[piece(f"code {digest[0]}")]]
            case pulls.PacketOf(packet=packet):
                first = packet * self.at_once
                some = range(first, min(first + self.at_once, self.splits))
                return [[piece("|".join(f"s{n}" for n in some))]]
        raise AssertionError(thing)

    def write(self, attempt, offset, data):
        part = self.coming.setdefault(attempt, {})
        part[offset] = bytes(data)

    def commit(self, attempt, account):
        came = self.coming.pop(attempt, {})
        data = b"".join(came[at] for at in sorted(came)).decode()
        assert account.part[1] == len(data)
        assert attempt.task.index not in self.parts, "committed once"
        self.parts[attempt.task.index] = data
        self.driver.node.say(frames.Committed(self.job, frames.name_of(attempt)))

    def drop(self, attempt):
        self.coming.pop(attempt, None)

    def told(self, frame):
        match frame:
            case frames.AccountsTold(rows=rows):
                for name, _, account, _ in rows:
                    self.accounts[name] = account
            case frames.JobDone() | frames.JobFailed():
                assert self.over is None
                self.over = frame

    def gone(self, why):
        self.over = self.over or why


class World:
    """All of it, and the network."""

    def __init__(self, seed):
        self.chance = random.Random(seed)
        self.now = 100.0
        self.hub = Hub("first", VERSIONS)
        self.members = {}
        self.cut = set()
        #: Who does not answer to those who ask it straight.
        self.mute = set()
        self.loss = self.repeat = 0.0
        self.reorders = False
        self.last = {}
        self.delay_s = 0.001
        self.slow_s = 0.05
        self.kills = 0
        self._heap = []
        self._order = count()
        self.later(0.0, self.beat_hub)

    # --- time

    def later(self, in_s, call):
        heappush(self._heap, (self.now + in_s, next(self._order), call))

    def run(self, until, for_s=600.0):
        end = self.now + for_s
        while not until():
            if not self._heap or self._heap[0][0] > end:
                return False
            at, _, call = heappop(self._heap)
            self.now = max(self.now, at)
            call()
            self.pump()
        return True

    def how_long(self):
        return self.chance.uniform(0.001, self.slow_s)

    def beat_hub(self):
        self.hub.turn(self.now)
        check(self.hub.coordinator)
        self.later(0.05, self.beat_hub)

    def beat(self, name, member):
        if self.members.get(name) is member:
            member.node.turn(self.now)
            self.later(0.1, lambda: self.beat(name, member))

    # --- members

    def add(self, member):
        self.members[member.name] = member
        self.beat(member.name, member)
        return member

    def worker(self, name, slots=2):
        return self.add(FakeWorker(self, name, slots))

    def driver(self, name="driver"):
        return self.add(FakeDriver(self, name))

    def kill(self, name):
        """It is gone without a word, and its connection with it."""
        del self.members[name]
        self.hub.closed(key_of(name), self.now)
        self.kills += 1

    def new_hub(self):
        """The coordinator died, and another one is there now."""
        self.hub = Hub("another", VERSIONS)
        for member in self.members.values():
            member.node.line.connected()

    def reconnect(self, name):
        self.cut.discard(name)
        if name in self.members:
            self.members[name].node.line.connected()

    # --- the network

    def pump(self):
        """Put on their way what members have to say."""
        for name, member in list(self.members.items()):
            for way, message in member.node.take_out():
                self.send(name, way, message)
        for key, _, message in self.hub.take_out():
            name = key.strip("-")
            member = self.members.get(name)
            if member is None:
                self.hub.closed(key, self.now)
            else:
                arrive = partial(self.arrive, member, message)
                self.under_way(("hub", name), arrive)
        if self.hub._events:
            self.hub.turn(self.now)
            self.pump()

    def send(self, name, way, message):
        """To the coordinator, or straight to another worker."""
        if not way:
            self.hub_hears(name, message)
            return
        sender = self.members[name]
        other = self.members.get(sender.node.peers[way].key.decode().strip("-"))
        if other is not None:
            arrive = partial(self.asked, other, sender, message)
            self.under_way((name, other.name), arrive)

    def asked(self, other, sender, message):
        if self.members.get(other.name) is not other:
            return
        if other.name in self.mute:
            return
        head, _ = pulls.read_pull(message)
        for reply in other.node.asked(head):
            arrive = partial(self.pulled, sender, reply)
            self.under_way((other.name, sender.name), arrive)

    def pulled(self, sender, message):
        if self.members.get(sender.name) is sender:
            sender.node.pulled(*pulls.read_pull(message), self.now)

    def hub_hears(self, name, message):
        role = "worker" if isinstance(self.members[name], FakeWorker) else "driver"
        hub = self.hub

        def hear():
            if self.hub is hub and name in self.members:
                hub.hear(
                    key_of(name), role, [bytes(part) for part in message], self.now
                )
                hub.turn(self.now)

        self.under_way((name, "hub"), hear)

    def under_way(self, way, arrive):
        """`way`: from whom to whom; in order, unless the network is a bad one."""
        if self.cut.intersection(way) or self.chance.random() < self.loss:
            return
        for _ in range(1 + (self.chance.random() < self.repeat)):
            at = self.now + self.chance.uniform(0, self.delay_s)
            if not self.reorders:
                at = self.last[way] = max(at, self.last.get(way, 0.0))
            self.later(at - self.now, arrive)

    def arrive(self, member, message):
        if self.members.get(member.name) is member:
            member.node.hear([bytes(part) for part in message], self.now)

    # --- what attempts make

    def made(self, attempt, read):
        task = attempt.task
        text = "cuts" if task.kind == "sample" else "+".join(sorted(read))
        if task.kind == "map":
            text = f"{task.step}({text})"
        part = PartMade(1, len(text), "")
        made = None
        if task.kind == "map":
            made = MapMade(len(read), 1, 1, 1, 1, 1, hash(text), part)
        elif task.kind == "reduce":
            made = ReduceMade(1, 1, part)
        place = Place(text, 0, len(text))
        return AttemptMade(attempt, place, hash(text), made, {"n": 1})


def expected(steps, splits):
    """The parts of the result of one process."""
    inputs = [f"s{n}" for n in range(splits)]
    for number, step in enumerate(steps):
        maps = [f"{number}({text})" for text in inputs]
        if step.shuffles:
            inputs = [
                "+".join(sorted(segment(one, part) for one in maps))
                for part in range(step.parts)
            ]
        else:
            inputs = maps
    return dict(enumerate(inputs))


def step(number, parts=0, sampled=False):
    blob = frames.Blob(bytes([number]) * 16, 6)
    return frames.StepTold(blob, parts, parts > 0, sampled, False)
