"""Who has the input is asked at the start of a job, and waited for a moment."""

import pytest

from mincer.net.survey import HOLD_S, Survey


@pytest.fixture
def survey():
    survey = Survey()
    for worker in (1, 2):
        survey.ask(worker, 5, now=10.0)
    return survey


def test_all_that_were_asked_are_waited_for(survey):
    assert survey.waits(10.0)
    survey.answered(1, 5)
    survey.answered(2, 3)
    assert survey.waits(10.01)
    survey.answered(2, 2)
    assert not survey.waits(10.02)
    assert survey.is_over


def test_those_who_are_gone_are_not(survey):
    survey.answered(1, 5)
    survey.forget(2)
    survey.forget(2)
    assert not survey.waits(10.0)


def test_nobody_is_waited_for_long(survey):
    survey.ask(1, 5, now=10.05)
    assert survey.deadline == 10.0 + HOLD_S
    assert survey.waits(10.0 + HOLD_S / 2)
    assert not survey.waits(10.0 + HOLD_S)
    assert survey.deadline is None


def test_it_is_waited_once(survey):
    for worker in (1, 2):
        survey.answered(worker, 5)
    assert not survey.waits(10.0)
    survey.ask(1, 5, now=11.0)
    assert not survey.waits(11.0)
    survey.answered(1, 5)


def test_where_nobody_was_asked_nobody_is_waited_for():
    survey = Survey()
    assert survey.deadline is None
    assert not survey.waits(0.0)
    assert survey.is_over
