"""What threads ask at the same time is done together, and each gets its own answer."""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from profiles.group_commits import GroupCommit

SECONDS = 60


class Desk:
    """Does what it is asked, ten times as much; the first batch waits until so many others stand in line."""

    def __init__(self, *, line: int, at_most: int = 64, error: type[BaseException] = ValueError) -> None:
        self.batches: list[list[int]] = []
        self.done = set[int]()
        self.line, self.error = line, error
        self.group = GroupCommit(self.run, at_most=at_most)

    def run(self, values: Sequence[int]) -> list[int]:
        self.batches.append(list(values))
        if len(self.batches) == 1:
            wait_until(lambda: len(self.group._waiting) == self.line)
        if any(value < 0 for value in values):
            raise self.error(f"{min(values)} is less than nothing")
        self.done.update(values)
        return [10 * value for value in values]

    def ask(self, value: int) -> int:
        result = self.group(value)
        assert value in self.done, "nobody hears of what is not done yet"
        return result


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def asked(desk: Desk, values: Sequence[int]) -> list[Future[int]]:
    """Each by a thread of its own; the first of them leads, the others stand in line."""
    pool = ThreadPoolExecutor(len(values))
    first = pool.submit(desk.ask, values[0])
    wait_until(lambda: bool(desk.batches))
    others = [pool.submit(desk.ask, value) for value in values[1:]]
    pool.shutdown(wait=True)
    return [first, *others]


def test_who_comes_alone_does_not_wait() -> None:
    desk = Desk(line=0)
    assert [desk.ask(value) for value in (1, 2, 3)] == [10, 20, 30]
    assert desk.batches == [[1], [2], [3]]


def test_those_who_wait_are_done_together_and_get_their_own() -> None:
    desk = Desk(line=7)
    answers = asked(desk, range(1, 9))
    assert [answer.result(SECONDS) for answer in answers] == [10 * value for value in range(1, 9)]
    assert [len(batch) for batch in desk.batches] == [1, 7]


def test_who_is_answered_before_it_is_done_would_be_found_out() -> None:
    """The control: a group that answers those who wait at once, as if their leader had committed."""
    desk = Desk(line=0)

    class Hasty(GroupCommit[int, int]):
        def __call__(self, value: int) -> int:
            return 10 * value if self._led else super().__call__(value)

    ended = threading.Event()
    desk.group = Hasty(lambda values: (ended.wait(SECONDS), desk.run(values))[1])
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(desk.ask, 1)
        wait_until(lambda: desk.group._led)
        with pytest.raises(AssertionError, match="nobody hears"):
            desk.ask(2)
        ended.set()
        assert first.result(SECONDS) == 10


def test_no_batch_is_longer_than_allowed() -> None:
    desk = Desk(line=7, at_most=3)
    assert [answer.result(SECONDS) for answer in asked(desk, range(1, 9))] == [10 * value for value in range(1, 9)]
    assert [len(batch) for batch in desk.batches] == [1, 3, 3, 1]


def test_what_fails_in_company_fails_alone_only() -> None:
    desk = Desk(line=7)
    answers = asked(desk, [1, 2, 3, -4, 5, 6, 7, 8])
    assert [answer.result(SECONDS) for answer in answers if answer is not answers[3]] == [10, 20, 30, 50, 60, 70, 80]
    with pytest.raises(ValueError, match="-4"):
        answers[3].result(SECONDS)


def test_a_thread_that_is_ended_while_it_leads_leaves_nobody_waiting() -> None:
    desk = Desk(line=3, error=SystemExit)
    answers = asked(desk, [-1, 2, 3, 4])
    assert [answer.result(SECONDS) for answer in answers[1:]] == [20, 30, 40]
    assert isinstance(answers[0].exception(SECONDS), SystemExit)


def test_fewer_results_than_values_are_no_answer() -> None:
    desk = Desk(line=3)
    group = desk.group
    group._run = lambda values: desk.run(values)[:1]
    assert [answer.result(SECONDS) for answer in asked(desk, [1, 2, 3, 4])] == [10, 20, 30, 40]
    assert len(desk.batches) > 2, "each went alone"


def test_a_crowd_that_comes_and_goes_is_served_each_once() -> None:
    """Any order, any company: every value is done once, and every thread hears of its own."""
    done: list[int] = []
    lock = threading.Lock()

    def run(values: Sequence[int]) -> list[int]:
        time.sleep(0.0005)
        with lock:
            done.extend(values)
        return [-value for value in values]

    group = GroupCommit(run)
    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(group, range(2000))) == [-value for value in range(2000)]
    assert sorted(done) == list(range(2000))
    assert not group._led and not group._waiting
