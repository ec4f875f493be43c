"""Engine that extracts shards in parallel processes on this machine."""

import collections
import dataclasses
import signal
import traceback
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from multiprocessing import Pipe
from multiprocessing import connection

from ac_keras.extraction.engines.job import ClipEvent
from ac_keras.extraction.engines.job import ExtractionJob
from ac_keras.extraction.engines.job import LostWorkers
from ac_keras.extraction.engines.job import ShardResult
from ac_keras.extraction.engines.job import ShardTask
from ac_keras.extraction.engines.job import WorkerError
from ac_keras.utils.processes import end_with_parent
from ac_keras.utils.processes import start_worker


def run_shards(
    job: ExtractionJob,
    tasks: Sequence[ShardTask],
    num_workers: int,
    on_event: Callable[[ClipEvent], None],
) -> Iterator[ShardResult]:
    """Writes shards and yields their results in the order of completion.

    The shards are started in the given order, and `on_event` is called for each
    clip. A killed worker is replaced, and its shard starts again. Closing the
    iterator ends all workers.

    Raises:
        WorkerError: If a worker raised an exception, or three workers were
            lost on one shard.
    """
    waiting = collections.deque(tasks)
    lost = LostWorkers()
    workers: dict[connection.Connection, _Worker] = {}
    try:
        while waiting or workers:
            while waiting and len(workers) < num_workers:
                worker = _start(job, waiting.popleft())
                workers[worker.pipe] = worker
            for pipe in connection.wait(list(workers)):
                worker = workers[pipe]
                try:
                    message = pipe.recv()
                except (EOFError, ConnectionResetError):
                    del workers[pipe]
                    worker.process.join()
                    lost.add(worker.task, _describe_exit(worker.process))
                    waiting.appendleft(worker.task)
                    continue
                if isinstance(message, ClipEvent):
                    on_event(message)
                elif isinstance(message, ShardResult):
                    worker.task = waiting.popleft() if waiting else None
                    _send(pipe, worker.task)
                    if worker.task is None:
                        del workers[pipe]
                        worker.process.join()
                    yield message
                else:
                    raise WorkerError(message)
    finally:
        for worker in workers.values():
            worker.process.terminate()
        for worker in workers.values():
            worker.process.join()


@dataclasses.dataclass
class _Worker:
    """A process, the pipe to it and its current task."""

    process: object
    pipe: connection.Connection
    task: ShardTask | None


def _start(job, task):
    ours, theirs = Pipe()
    process = start_worker(_work, theirs, job)
    theirs.close()  # otherwise the end of the process is never seen
    _send(ours, task)
    return _Worker(process, ours, task)


def _send(pipe, task):
    try:
        pipe.send(task)
    except (BrokenPipeError, ConnectionResetError):
        pass  # The process is dead; the next read from the pipe handles it.


def _describe_exit(process):
    if process.exitcode is not None and process.exitcode < 0:
        return signal.Signals(-process.exitcode).name
    return f"exit status {process.exitcode}"


def _work(pipe, job):
    """Writes shards until there are none left, as the target of a process."""
    end_with_parent()
    try:
        from ac_keras.extraction.engines.worker import ShardExtractor

        extractor = ShardExtractor(job)
        while (task := pipe.recv()) is not None:
            pipe.send(extractor.extract(task, pipe.send))
    except EOFError:
        pass  # The run is over.
    except Exception:
        pipe.send(traceback.format_exc())
