"""A cluster in memory, in virtual time: real hub, nodes and driver; children and disks
that are numbers; a network that loses, repeats, delays and cuts.

What an attempt makes is text computed from what it reads, so that a result can be
compared with the sequential one.
"""

import random
from functools import partial
from heapq import heappop, heappush
from itertools import count

from net_fakes import TOKEN, FakeChildren, FakeDepot, FakeSpool, piece, segment

from mincer.core.invariants import check
from mincer.flow.ports import MapMade, PartMade, ReduceMade
from mincer.net.driver import Driver
from mincer.net.hub import Hub
from mincer.net.node import Node
from mincer.net.visitor import Visitor
from mincer.store.disk import Place
from mincer.wire import frames, pulls
from mincer.worker.orders import AttemptMade

VERSIONS = ("0", "3")


def key_of(name):
    return name.ljust(40, "-")


class FakeWorker:
    """A worker process."""

    def __init__(self, world, name, slots):
        self.world = world
        self.name = name
        self.slots = slots
        #: The input files that it has, of any job.
        self.here = {ord(name[0]) % 3}
        self.depots = []
        hello = frames.Hello(
            frames.PROTOCOL,
            *VERSIONS,
            "worker",
            name,
            slots=slots,
            address="tcp://here:1",
        )
        self.children = FakeChildren(world, self)
        self.node = Node(hello, self.children, self.open_depot)

    def open_depot(self, told, me):
        self.depots.append(FakeDepot(told, me, self.here))
        return self.depots[-1]


class FakeDriver:
    """A driver process, with its jobs."""

    def __init__(self, world, name):
        self.world = world
        self.name = name
        hello = frames.Hello(frames.PROTOCOL, *VERSIONS, "driver", name)
        self.node = Driver(hello)
        self.jobs = {}


class FakeVisitor:
    """A process that only asks."""

    def __init__(self, world, name, role):
        self.name = name
        hello = frames.Hello(frames.PROTOCOL, *VERSIONS, role, name)
        self.node = Visitor(hello)

    def ask(self, world, question, for_s=60.0):
        """The answer, whenever it comes."""
        number = self.node.ask(question)
        assert world.run(lambda: number in self.node.answers, for_s), question
        return self.node.answers.pop(number)


class FakeJob:
    """One job of a driver."""

    token = TOKEN

    def __init__(self, driver, job, steps, splits, attempts_max=4, files=0):
        self.driver = driver
        self.job = job
        self.steps = steps
        self.splits = splits
        #: So many input files, read in turn.
        self.files = files
        self.coming = {}
        self.parts = {}
        self.accounts = {}
        self.over = None
        self.detached = []
        self.submit = frames.Submit(
            job, TOKEN, "a job", steps, attempts_max=attempts_max
        )

    def hand_over(self, at_once=3):
        driver = self.driver.node
        driver.submit(self.submit, self)
        files = [
            frames.FileTold(b"f%d" % n, b"/nowhere/f%d" % n, 1, 1, b"d" * 16)
            for n in range(self.files)
        ]
        if files:
            driver.say(frames.Files(self.job, 0, files))
        for first in range(0, self.splits, at_once):
            rows = [
                frames.SplitRow(first // at_once, nth, 1, self.extents(first + nth))
                for nth in range(min(at_once, self.splits - first))
            ]
            driver.say(frames.Splits(self.job, first, rows))
        driver.say(frames.InputEnd(self.job))
        self.at_once = at_once

    def extents(self, split):
        return [frames.Extent(split % self.files, 0, 1)] if self.files else []

    def find(self, thing):
        match thing:
            case pulls.BlobOf(digest=digest):
                return [[piece(f"code {digest[0]}")]]
            case pulls.PacketOf(packet=packet):
                first = packet * self.at_once
                some = range(first, min(first + self.at_once, self.splits))
                return [[piece("|".join(f"s{n}" for n in some))]]
            case pulls.InputOf(file=file):
                return [[piece(f"input {file}")]]
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
                for row in rows:
                    self.accounts[row.attempt] = row.account
            case frames.JobDone() | frames.JobFailed():
                assert self.over is None
                self.over = frame
            case frames.DetachTold():
                self.detached.append(frame)
            case frames.FetchTold(why=why):
                self.over = why or None
                assert why or (frame.token, frame.steps) == (TOKEN, self.steps)

    def gone(self, why):
        self.over = self.over or why


class World:
    """All of it, and the network."""

    def __init__(self, seed):
        self.chance = random.Random(seed)
        self.now = 100.0
        #: What hubs have laid aside, and how much room each job has for that.
        self.spools = []
        self.room_bytes = 10**9
        self.hub = Hub("first", VERSIONS, open_spool=self.open_spool)
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

    def visitor(self, name="visitor", role="observer"):
        return self.add(FakeVisitor(self, name, role))

    def kill(self, name):
        """It is gone without a word, and its connection with it."""
        del self.members[name]
        self.hub.closed(key_of(name), self.now)
        self.kills += 1

    def open_spool(self, job, token):
        self.spools.append(FakeSpool(job, token))
        self.spools[-1].room_bytes = self.room_bytes
        return self.spools[-1]

    def new_hub(self):
        """The coordinator died, and another one is there now."""
        self.hub = Hub("another", VERSIONS, open_spool=self.open_spool)
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
        other = self.members.get(sender.node.reach.peers[way].key.decode().strip("-"))
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
        role = self.members[name].node.line.hello.role
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


def finish(world, *jobs, for_s=600.0):
    """Run jobs that were handed over to their end: the result is the sequential one."""
    ended = world.run(lambda: all(job.over for job in jobs), for_s)
    assert ended, [job.over for job in jobs]
    for job in jobs:
        assert isinstance(job.over, frames.JobDone), job.over
        assert job.parts == expected(job.steps, job.splits)


def step(number, parts=0, sampled=False):
    blob = frames.Blob(bytes([number]) * 16, 6)
    return frames.StepTold(blob, parts, parts > 0, sampled, False)
