"""The table of faults names tests that exist, and has a test in each row."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "reliability.md").read_text("utf-8")
ROWS = dict(re.findall(r"^\| (\d+) \|(.*)$", PAGE, re.MULTILINE))
NAMED = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")


def functions(path):
    return {
        node.name
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef)
    }


def test_the_rows_of_a_cluster_are_there():
    assert list(map(int, ROWS)) == [*range(1, 7), 9, *range(15, 20)]


@pytest.mark.parametrize("row", ROWS)
def test_each_row_names_tests_that_exist(row):
    named = NAMED.findall(ROWS[row])
    assert named
    assert len(named) == ROWS[row].count("`tests/"), "all of them are understood"
    for file, name in named:
        path = ROOT / file
        assert path.is_file(), file
        assert path.name.startswith("test_")
        assert not name or name in functions(path), f"{file} has no {name}"
