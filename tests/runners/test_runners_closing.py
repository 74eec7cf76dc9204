"""What is closed at the end of its `with`."""

import pytest

from mincer.runners.closing import Closing


class Held(Closing):
    closed = 0

    def close(self):
        self.closed += 1


def test_it_is_closed_at_the_end():
    with Held() as held:
        assert not held.closed
    assert held.closed == 1


def test_it_is_closed_after_an_error_which_goes_on():
    held = Held()
    with pytest.raises(KeyError), held:
        raise KeyError
    assert held.closed == 1


def test_who_does_not_say_how_is_refused():
    with pytest.raises(TypeError, match="abstract"):
        type("Open", (Closing,), {})()
