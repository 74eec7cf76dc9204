"""Signals that end a command: it cleans up first, and says so with its exit code."""

import os
import signal
import threading

import pytest

from mincer.cli.signals import Ended, ended_by_signals


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_what_is_done_as_ctrl_c_would(number):
    before = signal.getsignal(number)

    def be_ended():
        with ended_by_signals():
            os.kill(os.getpid(), number)
            signal.pause()

    with pytest.raises(KeyboardInterrupt) as ended:
        be_ended()
    assert ended.value.exit_code == 128 + number
    assert signal.getsignal(number) is before


def test_what_the_caller_ignores_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with ended_by_signals():
            os.kill(os.getpid(), signal.SIGHUP)
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_beside_the_main_thread_nothing_is_set():
    before = signal.getsignal(signal.SIGTERM)
    seen = []

    def work():
        with ended_by_signals():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [before]


def test_it_tells_its_exit_code():
    assert Ended(15).exit_code == 143
