"""The context of a Spark application, as far as it goes without one."""

import os
import subprocess
import sys

import pytest

from mincer.errors import UsageError
from mincer.runners.spark import session
from mincer.worker.machine import cores


class Context:
    def __init__(self, **settings):
        self.settings = settings

    def getConf(self):
        return self

    def get(self, name, default=None):
        return self.settings.get(name, default)


@pytest.mark.parametrize(
    ("settings", "whole_bytes"),
    [
        ({}, 512 << 20),
        ({"spark.python.worker.memory": "2g"}, 2 << 30),
        ({"spark.python.worker.memory": "800"}, 800 << 20),
        ({"spark.executor.pyspark.memory": "300m"}, 300 << 20),
    ],
)
def test_a_task_has_a_share_of_the_workers_memory(settings, whole_bytes):
    assert session.memory_of(Context(**settings)) == int(whole_bytes * 0.7)


def test_it_has_what_is_needed_at_least():
    given = Context(**{"spark.python.worker.memory": "10m"})
    assert session.memory_of(given) == 64_000_000


@pytest.mark.parametrize(
    ("master", "settings", "slots"),
    [
        ("spark://there", {}, 16),
        ("local[3]", {"spark.default.parallelism": "16"}, 3),
        ("local[3,4]", {"spark.default.parallelism": "16"}, 3),
        ("local", {"spark.default.parallelism": "16"}, 1),
        ("local[*]", {"spark.default.parallelism": "16"}, cores()),
        ("yarn", {"spark.default.parallelism": "99"}, 1),
        (
            "yarn",
            {
                "spark.default.parallelism": "99",
                "spark.executor.instances": "5",
                "spark.executor.cores": "4",
            },
            20,
        ),
    ],
)
def test_slots_are_cores(master, settings, slots):
    context = Context(**settings)
    context.master = master
    context.defaultParallelism = 16
    assert session.slots_of(context) == slots


def test_what_is_no_session_is_told():
    with pytest.raises(UsageError, match=r"no session .*: int") as caught:
        session.context_of(3)
    assert "SparkSession" in caught.value.hint


def test_without_java_it_says_what_to_install(monkeypatch):
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(UsageError, match="Spark needs Java") as caught:
        session.check_java()
    assert "default-jre-headless" in caught.value.hint


SAYS = """
import subprocess, sys
from mincer.runners.spark.session import said_aside
with said_aside({verbose}) as said:
    subprocess.run([sys.executable, "-c", "import sys; sys.stderr.write('noise')"])
    print(said())
sys.stderr.write("ours")
"""


@pytest.mark.parametrize(
    ("verbose", "out", "err"), [(False, "['noise']", "ours"), (True, "[]", "noiseours")]
)
def test_what_java_says_goes_aside(verbose, out, err):
    done = subprocess.run(
        [sys.executable, "-c", SAYS.format(verbose=verbose)],
        capture_output=True,
        text=True,
        check=True,
        env=dict(os.environ),
    )
    assert (done.stdout.strip(), done.stderr) == (out, err)
