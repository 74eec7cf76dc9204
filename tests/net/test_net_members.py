"""Members: greeted once, known by their keys, and never back from the dead."""

import msgspec
import pytest

from mincer.limits import LEASE_S
from mincer.net.line import greeting
from mincer.net.members import Members
from mincer.wire import frames
from mincer.wire.packets import kind_of, read_packet

VERSIONS = ("0.1.0", "3.11")
HELLO = frames.Hello(
    frames.PROTOCOL, *VERSIONS, "worker", "a host", slots=2, address="tcp://h:1"
)


@pytest.fixture
def members():
    return Members("a word", VERSIONS, members_max=3)


def change(**fields):
    return msgspec.structs.replace(HELLO, **fields)


def test_a_member_is_welcomed_with_its_number(members):
    greeted = members.greet("key", "worker", HELLO, 1.0)
    member = greeted.joined
    assert greeted.reply.member == member.number == 1
    assert greeted.reply.coordinator == "a word"
    assert (member.slots, member.address, member.name) == (2, "tcp://h:1", "a host")
    assert members.of_key("key") is members.of_number(1) is member
    assert list(members) == [member]


def test_who_greets_twice_is_welcomed_twice_and_joins_once(members):
    first = members.greet("key", "worker", HELLO, 1.0)
    again = members.greet("key", "worker", HELLO, 2.0)
    assert again.reply == first.reply
    assert again.joined is None
    assert first.joined.heard == 2.0


def test_a_new_life_takes_the_place_of_the_last(members):
    old = members.greet("key", "worker", HELLO, 1.0).joined
    greeted = members.greet("key", "worker", change(incarnation=1), 2.0)
    assert greeted.replaced is old
    assert greeted.joined.number == 2
    assert greeted.joined.name == old.name
    assert members.of_number(1) is None


def test_a_life_that_was_given_up_does_not_come_back(members):
    member = members.greet("key", "worker", HELLO, 1.0).joined
    members.remove(member)
    members.remove(member)
    assert isinstance(members.greet("key", "worker", HELLO, 2.0).reply, frames.Stranger)
    again = members.greet("key", "worker", change(incarnation=1), 2.0)
    assert again.joined.name == member.name
    assert again.replaced is None
    assert isinstance(members.greet("key", "worker", HELLO, 2.0).reply, frames.Stranger)


def test_a_name_never_stands_for_two(members):
    first = members.greet("key", "worker", HELLO, 1.0).joined
    second = members.greet("other", "worker", HELLO, 1.0).joined
    assert (first.id.name, second.id.name) == ("a host", "a host-2")
    members.remove(first)
    third = members.greet("third", "worker", HELLO, 1.0).joined
    assert third.id.name == "a host-3"


@pytest.mark.parametrize(
    ("role", "hello", "code", "said"),
    [
        ("worker", change(protocol=99), "version", "you speak 99"),
        ("worker", change(mincer="9.9"), "version", "you run mincer 9.9"),
        ("worker", change(python="3.99"), "version", "on Python 3.99"),
        ("driver", HELLO, "role", "that of a driver, not of a worker"),
        ("stranger", change(role="stranger"), "role", "stranger"),
        ("worker", change(address="ipc:///run/bus"), "address", "ipc:///run/bus"),
        ("worker", change(address="tcp://a;b:1"), "address", "no address"),
        ("worker", change(address="tcp://a:0"), "address", "no address"),
    ],
)
def test_who_cannot_work_here_is_told_why(members, role, hello, code, said):
    reply = members.greet("key", role, hello, 1.0).reply
    assert isinstance(reply, frames.Refused)
    assert reply.code == code
    assert said in reply.why
    assert len(members) == 0


@pytest.mark.parametrize(
    "address", ["", "tcp://a.b-c.d:1", "tcp://10.0.0.1:65535", "tcp://[fe80::1%eth0]:9"]
)
def test_others_may_connect_by_tcp_alone(members, address):
    assert members.greet("key", "worker", change(address=address), 1.0).joined


def test_a_name_orders_nothing_of_a_terminal(members):
    member = members.greet("key", "worker", change(name="a\x1b[2J\n"), 1.0).joined
    assert member.name == "a?[2J?"


def test_there_is_a_most(members):
    for key in "abc":
        members.greet(key, "worker", HELLO, 1.0)
    assert members.greet("d", "worker", HELLO, 1.0).reply.code == "full"
    assert members.greet("a", "worker", change(incarnation=1), 1.0).joined


def test_a_member_says_things_in_order_and_falls_silent(members):
    member = members.greet("key", "worker", change(incarnation=7), 10.0).joined
    message = member.say(frames.MemberGone(3))
    life, packet = read_packet(message)
    assert (life, packet.number) == (7, 1)
    assert frames.Decoder(frames.ToWorker).decode(packet.payload).member == 3
    assert read_packet(member.beat())[1].sent == 1
    assert not member.is_silent(10.0 + LEASE_S)
    assert member.is_silent(10.1 + LEASE_S)
    assert not member.is_gone(99.0)
    member.closed_since = 11.0
    assert not member.is_gone(11.5)
    assert member.is_gone(12.0)


def test_a_key_that_is_forgotten_may_begin_anew(members):
    members.remove(members.greet("key", "worker", HELLO, 1.0).joined)
    members.forget("key")
    assert members.greet("key", "worker", HELLO, 1.0).joined


def test_a_greeting_is_a_message_of_its_kind():
    message = greeting(HELLO)
    assert kind_of(message) == b"G"
    assert frames.Decoder(frames.Greeting).decode(message[0][1:]) == HELLO
