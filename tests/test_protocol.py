"""The page of the protocol is what the code says: its tables, and who says what."""

import re
import runpy
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from mincer.net.membership import Standing
from mincer.wire import frames, pulls, rows
from mincer.wire.worker_frames import Frame

DOCS = Path(__file__).resolve().parent.parent / "docs"
SCRIPT = runpy.run_path(str(DOCS / "protocol.py"))
PAGE = (DOCS / "protocol.md").read_text("utf-8")

#: What one end of an arrow may say to the other; pulls go anywhere.
SAYS = {
    ("worker", "coordinator"): (frames.FromWorker, frames.Hello),
    ("driver", "coordinator"): (frames.FromDriver, frames.Hello),
    ("coordinator", "worker"): (frames.ToWorker, frames.Greeting),
    ("coordinator", "driver"): (frames.ToDriver, frames.Greeting),
}


def names(*unions):
    return {one.__name__ for union in unions for one in get_args(union) or (union,)}


def test_the_tables_are_what_the_types_say():
    assert SCRIPT["draw"](PAGE) == PAGE, "run: python docs/protocol.py"


def all_of(kind):
    """All classes that are made of this one, and have fields."""
    made = [one for sub in kind.__subclasses__() for one in [sub, *all_of(sub)]]
    return [one for one in made if one.__module__.startswith("mincer.wire.")]


SAID = [
    *all_of(Frame),
    *all_of(rows.Row),
    *get_args(frames.Greeting),
    *get_args(pulls.Head),
    *get_args(pulls.Thing),
]


@pytest.mark.parametrize("kind", SAID, ids=lambda kind: kind.__name__)
def test_everything_that_is_said_is_on_the_page_and_says_what_it_means(kind):
    assert kind.__dict__.get("__doc__"), f"{kind.__name__} needs a docstring"
    found = [line for line in PAGE.splitlines() if f"| `{kind.__name__}` |" in line]
    assert found
    for line in found:
        for field in msgspec.structs.fields(kind):
            assert f"`{field.name}`" in line


def test_the_unions_are_what_ends_decode():
    unions = names(*(union for _, union in SCRIPT["WAYS"]))
    decoded = names(
        *(frames.FromWorker, frames.FromDriver, frames.FromObserver),
        *(frames.ToWorker, frames.ToDriver, frames.Answer),
    )
    assert unions == decoded


def arrows():
    """Who says what to whom, in all sequences of the page."""
    for diagram in re.findall(
        r"```mermaid\nsequenceDiagram\n(.*?)```", PAGE, re.DOTALL
    ):
        who = dict(re.findall(r"participant (\w+) as (.*)", diagram))
        for one, two, what in re.findall(r"(\w+)->>(\w+): (\w+)", diagram):
            yield who[one].split()[-1], who[two].split()[-1], what


@pytest.mark.parametrize(("by", "to", "what"), sorted(set(arrows())))
def test_nobody_says_what_the_code_does_not_let_it_say(by, to, what):
    assert what in names(pulls.Head, *SAYS.get((by, to), ()))


def test_the_states_are_those_of_a_member():
    (diagram,) = re.findall(r"```mermaid\nstateDiagram-v2\n(.*?)```", PAGE, re.DOTALL)
    assert set(re.findall(r"\b[A-Z]{2,}\b", diagram)) == {one.name for one in Standing}


def test_a_page_without_a_place_for_a_table_is_told():
    with pytest.raises(ValueError, match="no place for the table greetings"):
        SCRIPT["draw"]("# The protocol\n")


@pytest.mark.parametrize(
    ("kind", "written"),
    [
        (int, "int"),
        (list[int], "list of int"),
        (dict[str, int] | None, "map of text to int or none"),
        (tuple[bytes, bool], "(bytes, bool)"),
    ],
)
def test_types_are_written_as_people_read_them(kind, written):
    assert SCRIPT["words"](kind) == written


@pytest.mark.parametrize(
    ("value", "written"),
    [(0, "0"), (-100, "-100"), (10_000, "10,000"), (4096, "4,096"), (2**62, "2^62"),
     (2**63 - 1, "2^63 - 1"), (-(2**63), "-2^63"), (1e12, "10^12")],
)  # fmt: skip
def test_numbers_are_written_so_that_they_can_be_read(value, written):
    assert SCRIPT["_number"](value) == written
