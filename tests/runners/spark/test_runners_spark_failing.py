"""An error of ours that comes through Spark as a text."""

import base64
import pickle

import pytest

from mincer.errors import CancelledError, JobError, UserCodeError, Where
from mincer.runners.spark.failing import as_error, failing


class Order:
    job = "0123456789abcdef"
    name = "words"


ERROR = UserCodeError("it failed", where=Where("here", 3, value="'record'"))


def text_of(error, job=Order.job):
    """What the driver sees of a task that raised this."""
    with pytest.raises(Exception, match="mincer error of") as caught, failing(job):
        raise error
    return f"Job aborted due to ...\nTraceback ...: {caught.value}\n at org.apache..."


def test_it_comes_back_in_full():
    told = as_error(Exception(text_of(ERROR)), Order)
    assert type(told) is UserCodeError
    assert (told.what, told.where) == (ERROR.what, ERROR.where)


def test_a_person_reads_it_too():
    assert "it failed" in text_of(ERROR)
    assert "'record'" in text_of(ERROR)


class Trap:
    def __reduce__(self):
        return print, ("unpickled what an input held",)


def test_a_record_that_looks_like_one_is_not_taken_for_one(capsys):
    packed = base64.b64encode(pickle.dumps(Trap())).decode()
    bait = f"mincer error of ffff: {packed};"
    told = as_error(Exception(text_of(UserCodeError(bait))), Order)
    assert told.what == bait
    told = as_error(Exception(bait), Order)
    assert type(told) is JobError
    assert capsys.readouterr().out == ""


def test_what_spark_itself_says_is_told_in_one_line():
    text = "An error occurred\n: org.apache.spark.SparkException: Job aborted: X\n at a"
    told = as_error(Exception(text), Order)
    assert told.what == (
        "Spark failed at words: : org.apache.spark.SparkException: Job aborted: X"
    )
    assert told.hint == "The logs of its executors tell more."
    text = "An error\nModuleNotFoundError: No module named 'mincer'\n at a"
    assert "Set PYSPARK_PYTHON" in as_error(Exception(text), Order).hint
    cancelled = as_error(
        Exception("Job 3 cancelled part of cancelled job group"), Order
    )
    assert type(cancelled) is CancelledError


@pytest.mark.parametrize("error", [ERROR, KeyboardInterrupt()])
def test_what_is_ours_stays(error):
    assert as_error(error, Order) is error


def test_other_errors_are_left_alone():
    with pytest.raises(ZeroDivisionError), failing(Order.job):
        1 / 0  # noqa: B018
