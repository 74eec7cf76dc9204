"""The table of states, and the page that is drawn from it."""

from pathlib import Path

import pytest

from mincer.core.plan import Phase
from mincer.core.task import TRANSITIONS, State, Task, Trigger, diagram
from mincer.errors import Bug
from mincer.ids import TaskId
from mincer.limits import STORY_MOVES_MAX

DOCS = Path(__file__).parents[2] / "docs" / "design"


def make_task() -> Task:
    return Task(TaskId("j", 0, "map", 3), Phase("j", 0, "map"), (), ())


def test_every_state_can_be_reached():
    reached, before = {State.WAITING}, set()
    while reached != before:
        before = set(reached)
        reached |= {to for (state, _), to in TRANSITIONS.items() if state in reached}
    assert reached == set(State)


def test_every_trigger_is_in_the_table():
    assert {trigger for _, trigger in TRANSITIONS} == set(Trigger)


def test_failed_and_cancelled_are_final():
    assert not {State.FAILED, State.CANCELLED} & {state for state, _ in TRANSITIONS}


def test_any_but_done_and_failed_can_be_cancelled():
    can = {state for state, trigger in TRANSITIONS if trigger is Trigger.CANCELLED}
    assert can == set(State) - {State.DONE, State.FAILED, State.CANCELLED}


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("trigger", Trigger)
def test_a_task_goes_where_the_table_says_and_nowhere_else(state, trigger):
    task = make_task()
    task.state = state
    if (state, trigger) in TRANSITIONS:
        task.move(trigger)
        assert task.state is TRANSITIONS[state, trigger]
    else:
        with pytest.raises(Bug, match=f"{state.name} task cannot take {trigger.name}"):
            task.move(trigger)
        assert task.state is state


def test_an_impossible_move_tells_the_story():
    task = make_task()
    task.move(Trigger.NEEDS_MET)
    task.move(Trigger.ASSIGNED)
    with pytest.raises(Bug) as caught:
        task.move(Trigger.REFUSED)
    assert "map 3" in caught.value.what
    assert "needs met, assigned" in caught.value.hint
    assert "running" in caught.value.task


def test_a_new_task_has_no_story():
    assert "nothing" in make_task().bug("x").hint


def test_the_story_is_bounded():
    task = make_task()
    for _ in range(STORY_MOVES_MAX):
        task.move(Trigger.NEEDS_MET)
        task.move(Trigger.NEED_LOST)
    assert len(task.story) == STORY_MOVES_MAX
    assert task.story[-1] is Trigger.NEED_LOST


def test_the_diagram_in_the_docs_is_drawn_from_the_table():
    assert diagram() in (DOCS / "task-states.md").read_text(encoding="utf-8")
