"""The `mincer` command: help, version, wrong usage."""

import gc
import subprocess
import sys

import pytest

import mincer
from mincer.cli.main import main


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["run", "--help"]])
def test_help_has_examples(capsys, arguments):
    assert main(arguments) == 0
    out = capsys.readouterr().out
    assert "Usage: mincer" in out
    assert "mincer run wordcount.py books/" in out


def test_the_driver_seldom_looks_for_cycles(capsys):
    before = gc.get_threshold()
    try:
        assert main(["--version"]) == 0
        assert gc.get_threshold()[0] >= 10_000
    finally:
        gc.set_threshold(*before)


def test_the_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith(f"mincer {mincer.__version__}, Python 3.")


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["nothing"],
        ["run"],
        ["run", "wc.py", "--nothing"],
        ["run", "wc.py", "x", "--runner", "flink"],
        ["run", "wc.py", "x", "--format", "xml"],
        ["run", "wc.py", "x", "-w", "0"],
    ],
)
def test_wrong_usage_is_2_and_stdout_stays_clean(capsys, arguments):
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "Usage: mincer" in captured.err


def test_as_a_module():
    done = subprocess.run(
        [sys.executable, "-m", "mincer", "--version"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("mincer ")


def test_help_loads_nothing_heavy():
    code = (
        "import sys\n"
        "from mincer.cli.main import main\n"
        "main(['run', '--help'])\n"
        "heavy = {'rich', 'msgspec', 'cloudpickle', 'zstandard', 'mincer.api'}\n"
        "sys.exit(sorted(heavy & set(sys.modules)) or 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
