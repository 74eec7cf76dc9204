"""The examples run, as their READMEs say, and find what they should."""

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"

#: For each example, a piece of what it must print.
FINDS = {
    "wordcount": "   14 the",
    "inverted_index": "the jabberwocky.txt tyger.txt",
    "join": "{'orders of nobody': 1}",
    "total_sort": "\nin order",
    "json_lines": "{'failed requests': 1}",
    "kmeans": "  4.9",
    "stdlib_words": "lines of comment",
}


def python(*arguments):
    done = subprocess.run(
        [sys.executable, *map(str, arguments)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_each_example_is_known():
    folders = {path.name for path in EXAMPLES.iterdir() if path.is_dir()}
    assert folders - {"__pycache__"} == set(FINDS)


@pytest.mark.parametrize("name", FINDS)
def test_each_example_has_a_page_and_a_program(name):
    assert (EXAMPLES / name / "README.md").exists()
    assert (EXAMPLES / name / f"{name}.py").exists()


# The demo reads all of the standard library: `make demo` is its test.
@pytest.mark.parametrize("name", sorted(FINDS.keys() - {"stdlib_words"}))
def test_as_a_program(name):
    assert FINDS[name] in python(EXAMPLES / name / f"{name}.py")


@pytest.mark.parametrize("runner", ["inline", "local"])
@pytest.mark.parametrize("name", ["wordcount", "join", "json_lines", "inverted_index"])
def test_on_the_command_line(name, runner):
    jobfile = EXAMPLES / name / f"{name}.py"
    out = python("-m", "mincer", "run", jobfile, "--runner", runner, "-q")
    inline = python("-m", "mincer", "run", jobfile, "--runner", "inline", "-q")
    assert out
    assert sorted(out.splitlines()) == sorted(inline.splitlines())
