"""Several requests under way at a time, their answers in order."""

import collections
import concurrent.futures
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from typing import TypeVar

Item = TypeVar("Item")
Answer = TypeVar("Answer")


def answers_in_order(
    executor: concurrent.futures.Executor,
    ask: Callable[[Item], Answer],
    items: Iterable[Item],
    max_in_flight: int,
) -> Iterator[Answer]:
    """Asks for every item and yields the answers in the items' order.

    Args:
        executor: What runs the requests.
        ask: Gives an item's answer.
        items: May be endless; at most `max_in_flight` are held.
        max_in_flight: Requests under way or not yet yielded.

    Yields:
        The answers. What `ask` or the items raise is raised when the answers
        before it were yielded.
    """
    pending = collections.deque()
    futures = _submit(executor, ask, items)
    try:
        while True:
            for future in futures:
                pending.append(future)
                # The items may come slowly: hold no answer back for them.
                if len(pending) == max_in_flight or pending[0].done():
                    break
            if not pending:
                return
            yield pending.popleft().result()
    finally:
        for future in pending:
            future.cancel()


def _submit(executor, ask, items):
    """Yields a future for each item, and one for what the items raise."""
    items = iter(items)
    while True:
        try:
            item = next(items)
        except StopIteration:
            return
        except Exception as error:  # raised in its turn
            failed = concurrent.futures.Future()
            failed.set_exception(error)
            yield failed
            return
        yield executor.submit(ask, item)
