"""The guide for those who move: each program in it runs as it stands there."""

import re
from pathlib import Path

import pytest
from compat_ends import ended, free_port

pytestmark = pytest.mark.cluster

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "moving.md"
PROGRAMS = re.findall(r"```python\n(.*?)```", GUIDE.read_text("utf-8"), re.DOTALL)
#: A piece of what each prints, in the order of the guide.
FINDS = ("'one': 2", "{'words': 14}", "b'red': 3")
PASSWORD = "four words are better"


def test_each_program_is_known():
    assert len(PROGRAMS) == len(FINDS)
    assert PASSWORD in PROGRAMS[0]


@pytest.mark.guard(90)
@pytest.mark.parametrize("number", range(len(FINDS)))
def test_a_program_of_the_guide(number, processes, tmp_path):
    (tmp_path / "colours.txt").write_text("red blue\nred\nred\n")
    port = free_port()
    # Not their own ports, at which somebody may listen on this machine.
    text = PROGRAMS[number].replace("run_server(", f"run_server(port={port}, ")
    text = text.replace("s.connect()", f"s.connect('tcp://127.0.0.1:{port}')")
    words = {
        0: ("mincemeat", "-p", PASSWORD, "-P", port, "localhost"),
        2: ("kaylee", f"tcp://127.0.0.1:{port}"),
    }.get(number)
    worker = None
    if words is not None:
        worker = processes.python("-m", f"mincer.compat.{words[0]}", *words[1:])
    out, err, code = ended(processes.script(text))
    assert code == 0, err
    assert FINDS[number] in out
    if worker is not None:
        assert ended(worker)[2] == 0
