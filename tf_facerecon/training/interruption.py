"""Graceful shutdown of a training run, and the messages and exit codes of runs that fail.

A scheduler ends jobs by SIGTERM, at which Python stops without saving. Here the signal is only
recorded; the checkpoint callback saves after the step and raises `TrainingInterrupted`. Keras has
no such callback (`stop_training` would run the validation of the epoch and count it as finished).
"""

import signal
import threading

EXIT_FAILED = 1
EXIT_BAD_INPUT = 2
EXIT_SIGNAL = 128  # plus the number of the signal, as shells do


class TrainingInterrupted(Exception):
    """A signal ended the run after its state was saved.

    Attributes:
        signal_number: The signal.
        step: Steps done.
    """

    def __init__(self, signal_number: int, step: int):
        super().__init__(f"Stopped by {signal.Signals(signal_number).name} after step {step}.")
        self.signal_number = signal_number
        self.step = step


class SignalRequest:
    """Context that records SIGTERM and SIGINT; the second one takes its usual effect at once.

    Signals reach only a process' main thread; elsewhere this context does nothing.
    """

    def __init__(self):
        self.number: int | None = None
        self._previous = {}

    def __enter__(self) -> "SignalRequest":
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGINT):
                self._previous[number] = signal.signal(number, self._request)
        return self

    def __exit__(self, *_) -> None:
        self._restore()

    def _request(self, number, _frame):
        self.number = number
        self._restore()

    def _restore(self):
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        self._previous = {}


# What a training command reports as a message, `ImportError` of optional packages among them;
# anything else is a bug and keeps its traceback.
REPORTED = (ValueError, OSError, ImportError, FloatingPointError, TrainingInterrupted)


def describe_failure(error: BaseException, after_signal: str) -> tuple[str, int]:
    """The message for the user about `error`, one of `REPORTED`, and the exit code.

    Args:
        error: What ended the run.
        after_signal: What follows if it was a signal, a sentence.
    """
    if isinstance(error, TrainingInterrupted):
        return f"\n{error} {after_signal}", EXIT_SIGNAL + error.signal_number
    if isinstance(error, FloatingPointError):
        return f"training failed: {error}", EXIT_FAILED
    return f"error: {error}", EXIT_BAD_INPUT
