"""A figure's stamp: which code it was measured on."""

import pytest

from benchmarks.stamps import code_hash, machine


@pytest.fixture
def root(tmp_path):
    for name in ("api.py", "core/task.py", "net/line.py", "wire/frames.py"):
        path = tmp_path / "src" / "mincer" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    return tmp_path


@pytest.mark.parametrize("name", ["api.py", "core/task.py", "core/new.py"])
def test_what_a_run_loads_makes_figures_older(root, name):
    before = code_hash(root)
    (root / "src" / "mincer" / name).write_text("more = 1\n")
    assert code_hash(root) != before


@pytest.mark.parametrize("name", ["net/line.py", "wire/frames.py", "wire/new.py"])
def test_what_only_a_cluster_loads_does_not(root, name):
    before = code_hash(root)
    (root / "src" / "mincer" / name).write_text("more = 1\n")
    assert code_hash(root) == before


def test_a_machine_says_its_cores_and_its_python():
    assert " cores, " in machine()
    assert "Python 3." in machine()
