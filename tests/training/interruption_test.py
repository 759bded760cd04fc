import signal
import threading

import pytest

from tf_facerecon.training import interruption
from tf_facerecon.training.interruption import SignalRequest, TrainingInterrupted, describe_failure


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_request_notes_the_signal_and_puts_handlers_back(number):
    before = signal.getsignal(number)
    with SignalRequest() as request:
        assert request.number is None
        signal.raise_signal(number)
        assert request.number == number
        # A second signal is obeyed at once.
        assert signal.getsignal(number) is before
    assert signal.getsignal(number) is before


def test_signal_request_outside_the_main_thread_does_nothing():
    before = signal.getsignal(signal.SIGTERM)
    seen = []

    def use():
        with SignalRequest() as request:
            seen.append((request.number, signal.getsignal(signal.SIGTERM) is before))

    thread = threading.Thread(target=use)
    thread.start()
    thread.join()
    assert seen == [(None, True)]


def test_training_interrupted_says_which_signal_and_step():
    error = TrainingInterrupted(signal.SIGTERM, 12)
    assert str(error) == "Stopped by SIGTERM after step 12."


@pytest.mark.parametrize(
    ("error", "message", "exit_code"),
    [
        (ValueError("no key"), "error: no key", 2),
        (FileNotFoundError("no file"), "error: no file", 2),
        (ImportError("needs PyTorch"), "error: needs PyTorch", 2),
        (FloatingPointError("loss is nan"), "training failed: loss is nan", 1),
        (TrainingInterrupted(15, 7), "\nStopped by SIGTERM after step 7. It goes on.", 143),
    ],
)
def test_describe_failure_preset(error, message, exit_code):
    assert isinstance(error, interruption.REPORTED)
    assert describe_failure(error, "It goes on.") == (message, exit_code)
