"""Members of a hub by hand: one says a thing, and it is seen what all were told."""

from net_world import key_of

from mincer.net.line import greeting
from mincer.wire import frames, pulls
from mincer.wire.packets import read_packet, write_packet
from mincer.wire.session import Session


class Member:
    """One end of a line, by hand."""

    def __init__(self, hub, name, role="worker", life=0, slots=1):
        self.hub = hub
        self.key = key_of(name)
        self.role = role
        self.life = life
        self.session = Session(10**9)
        self.hello = frames.Hello(
            frames.PROTOCOL,
            *("0", "3", role, name, life),
            slots=slots,
            address="tcp://here:1",
        )

    def greet(self, now=0.0):
        self.hub.hear(self.key, self.role, greeting(self.hello), now)
        self.hub.turn(now)
        return self

    def say(self, frame, now=0.0):
        packet = self.session.send(frames.encode(frame))
        self.raw(write_packet(self.life, packet), now)

    def beat(self, now):
        self.raw(write_packet(self.life, self.session.beat()), now)

    def raw(self, message, now=0.0):
        self.hub.hear(self.key, self.role, message, now)
        self.hub.turn(now)


def heard(hub, member, union=frames.ToWorker):
    """What a member was told, in frames and greetings."""
    found = []
    for key, is_bulk, message in hub.take_out():
        if key != member.key:
            continue
        if is_bulk:
            found.append(pulls.read_pull(message)[0])
        elif message[0][:1] == b"G":
            found.append(frames.Decoder(frames.Greeting).decode(message[0][1:]))
        else:
            packet = read_packet(message)[1]
            if packet.number:
                found.append(frames.Decoder(union).decode(packet.payload))
    return found
