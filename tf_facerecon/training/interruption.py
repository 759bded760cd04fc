"""Stopping a training run politely: a signal becomes a request, the request an exception."""

import signal
import threading


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
    """Context in which SIGTERM and SIGINT become a polite request; a second one is obeyed at once.

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
