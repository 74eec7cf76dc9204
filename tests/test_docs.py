"""What the docs tell people to type can be typed, and does what they say."""

import ast
import os
import re
import shlex
import socket
import subprocess
import sys
from pathlib import Path

import click
import pytest

from mincer.cli.commands import cli

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(page):
    """The lines of all pieces that are code, whichever way they are marked."""
    text = page.read_text("utf-8")
    fenced = re.findall(r"^```\w*\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    indented = re.findall(
        r"^    (.*)$", re.sub(r"```.*?```", "", text, flags=re.S), re.M
    )
    yield from "\n".join([*fenced, *indented]).splitlines()


def typed():
    """All uses of `mincer WORD …` in them, as words."""
    for page in PAGES:
        for line in blocks(page):
            found = re.search(r"(?:^|[\s/])mincer (\w+\b.*)", line)
            if found and found[1].split()[0] in cli.commands:
                told = re.split(r"  +[a-z(]|[|>;]", found[1])[0]
                yield page.name, told.strip()


@pytest.mark.parametrize(("page", "line"), sorted(set(typed())))
def test_each_option_that_is_told_is_there(page, line):
    word, *rest = shlex.split(line)
    there = {
        option
        for one in cli.commands[word].params
        if isinstance(one, click.Option)
        for option in one.opts + one.secondary_opts
    }
    assert {one for one in rest if re.match(r"-\w$|--\w", one)} <= there


def test_the_pages_tell_of_every_command():
    assert {line.split()[0] for _, line in typed()} >= cli.commands.keys()


def test_python_in_the_page_of_the_cluster_can_be_read():
    text = (ROOT / "docs" / "cluster.md").read_text("utf-8")
    (code,) = re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    ast.parse(code)


def test_each_file_of_the_cluster_has_its_room():
    text = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
    rooms = text.partition("## The rooms of `net`")[2].partition("\n## ")[0]
    files = {path.stem for path in (ROOT / "src" / "mincer" / "net").glob("*.py")}
    assert set(re.findall(r"`(\w+)`", rooms)) >= files - {"__init__"}


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@pytest.mark.guard(150)
def test_the_three_commands_of_the_readme_count_one_word():
    text = (ROOT / "README.md").read_text("utf-8")
    lines = re.findall(r"^    \.venv/bin/mincer (.*)$", text, re.MULTILINE)
    assert [line.split()[0] for line in lines] == ["serve", "worker", "run"]
    # As they stand, but for the port, where another coordinator may be.
    environment = os.environ | {"MINCER_ADDRESS": f"127.0.0.1:{free_port()}"}
    commands = [f"{shlex.quote(sys.executable)} -m mincer {line}" for line in lines]
    started = []
    try:
        for line in commands[:2]:
            command = ["sh", "-c", f"exec {line}"]
            started.append(subprocess.Popen(command, cwd=ROOT, env=environment))
        done = subprocess.run(
            ["sh", "-c", commands[2]],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
            timeout=100,
        )
    finally:
        for process in reversed(started):
            process.terminate()
            assert process.wait(30) == 0
    assert done.stdout == "the\t14\n"
    assert "prints `the` and `14`" in text
