"""Who is of another version is refused with both, and disturbs nobody."""

import os
import shutil
import subprocess
import sys
from importlib.metadata import requires
from pathlib import Path

import netns_claims
import pytest

import mincer
from mincer.wire.frames import PROTOCOL

PYTHON = "{}.{}".format(*sys.version_info)
#: The claim, and what is told of both ends.
CLAIMS = {
    "python=3.99": (f"Python {PYTHON}", "Python 3.99"),
    "mincer=99.1": (f"mincer {mincer.__version__}", "mincer 99.1"),
    "protocol=99": (f"protocol {PROTOCOL}", "speak 99"),
}
REFUSED = 4


@pytest.mark.parametrize("claim", CLAIMS)
def test_a_worker_that_claims_another(cluster, claim):
    w1, w2 = cluster.hosts("w1", "w2")
    program = [sys.executable, netns_claims.__file__, claim]
    other = cluster.starting(w1, program=program)
    assert other.end() == REFUSED
    for words in CLAIMS[claim]:
        assert words in other.stderr
    cluster.worker(w2)
    assert cluster.run().end()["workers"] == 1


@pytest.mark.parametrize("claim", CLAIMS)
def test_a_driver_that_claims_another(cluster, claim):
    cluster.worker(*cluster.hosts("w1"))
    program = [sys.executable, netns_claims.__file__, claim]
    told = cluster.run(program=program).fails(REFUSED)
    for words in CLAIMS[claim]:
        assert words in told
    assert not cluster.log
    cluster.run().end()


# --- a real one


def interpreters():
    """Pythons of this machine that could run mincer and are of another minor."""
    found = [shutil.which(f"python3.{minor}") for minor in range(11, 20)]
    home = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    found += sorted(home.glob("versions/3.*/bin/python3"))
    asked = "import sys; print('{}.{}'.format(*sys.version_info))"
    for path in filter(None, found):
        told = subprocess.run([path, "-c", asked], capture_output=True, text=True)
        version = told.stdout.strip()
        if told.returncode or version == PYTHON:
            continue
        if tuple(map(int, version.split("."))) >= (3, 11):
            yield path, version


@pytest.fixture(scope="module")
def another_python(tmp_path_factory):
    """A Python of another minor with all that mincer needs, and its version."""
    source = Path(mincer.__file__).parent.parent
    needed = [one for one in requires("mincer") if "extra ==" not in one]
    for path, version in interpreters():
        folder = tmp_path_factory.mktemp("another")
        python = folder / "bin" / "python"
        install = [python, "-m", "pip", "install", "--quiet", *needed]
        for command in ([path, "-m", "venv", folder], install):
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode:
                break
        else:
            # Its own code, as installed nowhere.
            return [python, "-P", "-c", _PROGRAM.format(str(source))], version
    pytest.skip("there is no other Python, or mincer cannot be installed for it")


_PROGRAM = """
import sys
sys.path.append({!r})
from mincer.cli.main import main
sys.exit(main())
"""


@pytest.mark.guard(180)
def test_a_worker_on_another_python(cluster, another_python):
    program, version = another_python
    w1, w2 = cluster.hosts("w1", "w2")
    other = cluster.starting(w1, program=program)
    assert other.end() == REFUSED
    assert f"Python {PYTHON}" in other.stderr
    assert f"Python {version}" in other.stderr
    cluster.worker(w2)
    assert cluster.run().end()["workers"] == 1


@pytest.mark.guard(180)
def test_a_driver_on_another_python(cluster, another_python):
    program, version = another_python
    cluster.worker(*cluster.hosts("w1"))
    told = cluster.run(program=program).fails(REFUSED)
    assert f"Python {PYTHON}" in told
    assert f"Python {version}" in told
    cluster.run().end()
