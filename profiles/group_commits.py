"""What several threads ask at the same time, done in one transaction: whoever comes first takes the others along.

One commit costs a round trip and a wait for the disk, and one statement costs more than one row more in it. A thread
that comes while none is at work begins at once, so that nobody ever waits for company; those that come meanwhile are
taken together by the next.
"""

import threading
from collections.abc import Callable, Sequence
from enum import Enum, auto
from typing import Final, Generic, TypeVar

AT_MOST: Final = 64

Value = TypeVar("Value")
Result = TypeVar("Result")


class _Told(Enum):
    WAIT = auto()
    LEAD = auto()
    DONE = auto()
    ALONE = auto()


class _Asked(Generic[Value, Result]):
    """What one thread asked for, and the answer that another one may give it."""

    __slots__ = ("_turn", "result", "told", "value")
    result: Result

    def __init__(self, value: Value) -> None:
        self.value, self.told = value, _Told.WAIT
        self._turn = threading.Lock()
        self._turn.acquire()

    def wait(self) -> None:
        self._turn.acquire()

    def tell(self, told: _Told) -> None:
        self.told = told
        self._turn.release()


class GroupCommit(Generic[Value, Result]):
    """Calls `run` with the values of all threads that wait, at most `at_most` at once; each gets its own result.

    `run` commits and gives one result for each value, in their order. Where it fails for several, each thread tries
    with its own value alone, so that it gets its own error and nobody else's: `run` may be told the same value twice.
    """

    def __init__(self, run: Callable[[Sequence[Value]], Sequence[Result]], *, at_most: int = AT_MOST) -> None:
        self._run, self._at_most = run, at_most
        self._lock, self._led = threading.Lock(), False
        self._waiting: list[_Asked[Value, Result]] = []

    def __call__(self, value: Value) -> Result:
        """The result for this value, committed; raises what `run` raises for it."""
        mine: _Asked[Value, Result] = _Asked(value)
        with self._lock:
            waits = self._led
            if waits:
                self._waiting.append(mine)
            self._led = True
        if waits:
            mine.wait()
            if mine.told is _Told.DONE:
                return mine.result
            if mine.told is _Told.ALONE:
                return self._run([value])[0]
        return self._lead(mine)

    def _lead(self, mine: _Asked[Value, Result]) -> Result:
        with self._lock:
            others = self._waiting[: self._at_most - 1]
            del self._waiting[: len(others)]
        told = _Told.ALONE
        try:
            mine.result, *results = self._run([mine.value, *(other.value for other in others)])
            for other, result in zip(others, results, strict=True):
                other.result = result
            told = _Told.DONE
        except Exception:
            if not others:
                raise
        finally:
            # Whatever became of it, nobody is left waiting, and somebody leads those who came meanwhile.
            for other in others:
                other.tell(told)
            self._hand_on()
        return mine.result if told is _Told.DONE else self._run([mine.value])[0]

    def _hand_on(self) -> None:
        with self._lock:
            follower = self._waiting.pop(0) if self._waiting else None
            self._led = follower is not None
        if follower is not None:
            follower.tell(_Told.LEAD)
