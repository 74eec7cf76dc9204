"""The errors that users meet: one tree, one screen, and they survive a pickle."""

import pickle

import pytest

from mincer import errors
from mincer.errors import PREVIEW_CHARS_MAX, MincerError, UserCodeError, Where, preview

ALL = [getattr(errors, name) for name in errors.__all__ if name[0].isupper()]
CLASSES = [one for one in ALL if isinstance(one, type) and one is not Where]


def test_the_tree_in_the_docstring_is_the_tree():
    drawn = {
        line.strip("│├└─ ").split()[0]
        for line in errors.__doc__.splitlines()
        if line.startswith(("MincerError", "├", "└", "│"))
    }
    assert drawn == {one.__name__ for one in CLASSES}


def test_every_error_is_a_mincer_error():
    assert all(issubclass(one, MincerError) for one in CLASSES)


@pytest.mark.parametrize("kind", CLASSES)
def test_an_error_pickles_with_all_that_it_says(kind):
    where = Where("a.txt", 17, key="'k'", value="'v'")
    error = kind(
        "what failed",
        where=where,
        hint="type this",
        user_traceback="Traceback: …",
        task="map 3",
    )
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is kind
    assert str(again) == str(error)
    assert again.where == where


def test_a_screen_says_what_where_and_what_to_type():
    error = UserCodeError(
        "mapfn raised ValueError: no",
        where=Where("a.txt", 17, key="17", value="'line'"),
        hint="skip_bad_records=1",
        user_traceback="  File job.py, line 3\n",
        task="map 0 attempt 4",
    )
    lines = [line for line in str(error).split("\n") if line]
    assert lines == [
        "mapfn raised ValueError: no",
        "  File job.py, line 3",
        "  where   a.txt at 17",
        "  key     17",
        "  record  'line'",
        "  in      map 0 attempt 4",
        "  skip_bad_records=1",
    ]


def test_a_bare_error_is_one_line():
    assert str(MincerError("what failed")) == "what failed"
    assert str(Where("item")) == "item"


def test_a_preview_is_one_short_line():
    assert preview("a\nb") == r"'a\nb'"
    long = preview("x" * 10_000)
    assert long.startswith("'xxx")
    assert "10,002 characters" in long
    assert len(long) < PREVIEW_CHARS_MAX + 40


def test_a_preview_survives_a_repr_that_raises():
    class Rude:
        def __repr__(self):
            raise ZeroDivisionError

    assert preview(Rude()) == "<Rude whose repr raised ZeroDivisionError>"


def test_wrong_usage_exits_otherwise_than_a_failed_job():
    assert errors.UsageError.exit_code == 2
    assert errors.JobError.exit_code == 1
    assert issubclass(errors.UsageError, ValueError)
