"""Shards side by side, on the machines of a Ray cluster."""

import collections
import os
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence

from ac_keras.extraction.engines.job import ClipEvent
from ac_keras.extraction.engines.job import ExtractionJob
from ac_keras.extraction.engines.job import LostWorkers
from ac_keras.extraction.engines.job import ShardResult
from ac_keras.extraction.engines.job import ShardTask
from ac_keras.extraction.engines.job import WorkerError

LOOK_SECONDS = 0.5  # between two looks at what clips are done


def run_shards(
    job: ExtractionJob,
    tasks: Sequence[ShardTask],
    num_workers: int,
    on_event: Callable[[ClipEvent], None],
    *,
    address: str | None = None,
    num_cpus: float = 1,
    num_gpus: float = 0,
) -> Iterator[ShardResult]:
    """Writes shards and yields what came of each, in the order of their ends.

    All machines see the media and the dataset's folder under the same paths.
    A worker that is lost, or whose machine is, is replaced, and its shard
    begun anew.

    Args:
        job: What all workers need to know.
        tasks: The shards, in the order to begin them.
        num_workers: Workers at a time.
        on_event: Called for each clip.
        address: The cluster's, as `ray.init` takes it; None is the one of
            the environment, or else one made on this machine for this run.
        num_cpus: Cores of each worker.
        num_gpus: GPUs of each worker, or a part of one.

    Raises:
        ImportError: If Ray is not installed.
        WorkerError: If a worker raised an exception, or a shard has cost
            three workers.
    """
    ray = import_ray()
    own = not ray.is_initialized()
    if own:
        _connect(ray, address, num_workers * num_cpus)
    try:
        pool = _Pool(ray, job, num_cpus, num_gpus, on_event)
        yield from pool.run(collections.deque(tasks), num_workers)
    finally:
        if own:
            ray.shutdown()


def import_ray():
    """Imports Ray.

    Raises:
        ImportError: If it is not installed.
    """
    try:
        import ray
    except ImportError as error:
        raise ImportError(
            "Expected Ray for engine='ray'. Received: no package ray. Give "
            'pip install "ac-keras[ray]", or take engine="local".'
        ) from error
    return ray


class RayWorker:
    """Writes shards, as a Ray actor.

    Args:
        job: What all workers need to know.
        events: A `ray.util.queue.Queue` that hears of each clip.
    """

    def __init__(self, job, events):
        from ac_keras.extraction.engines.worker import ShardExtractor

        self._extractor = ShardExtractor(job)
        self._events = events

    def extract(self, task: ShardTask) -> ShardResult:
        """Writes a shard."""
        return self._extractor.extract(task, self._events.put)

    def process_id(self) -> int:
        """The worker's process on its machine."""
        return os.getpid()


class _Pool:
    """Workers, the shards that they are at and what is heard of them."""

    def __init__(self, ray, job, num_cpus, num_gpus, on_event):
        from ray.util.queue import Queue

        self._ray, self._on_event = ray, on_event
        self._events = Queue()
        actor = ray.remote(num_cpus=num_cpus, num_gpus=num_gpus)(RayWorker)
        self._start = lambda: actor.remote(job, self._events)
        self._lost = LostWorkers()

    def run(self, waiting, num_workers):
        running = {}
        while waiting or running:
            while waiting and len(running) < num_workers:
                self._begin(running, self._start(), waiting.popleft())
            done, _ = self._ray.wait(list(running), timeout=LOOK_SECONDS)
            self._hear()
            for reference in done:
                worker, task = running.pop(reference)
                result = self._result_of(reference, task)
                if result is None:
                    waiting.appendleft(task)
                    continue
                if waiting:
                    self._begin(running, worker, waiting.popleft())
                yield result

    def _begin(self, running, worker, task):
        running[worker.extract.remote(task)] = worker, task

    def _hear(self):
        for _ in range(self._events.qsize()):
            self._on_event(self._events.get())

    def _result_of(self, reference, task):
        """Gives what came of a shard, None where its worker was lost."""
        try:
            return self._ray.get(reference)
        except self._ray.exceptions.RayActorError as error:
            self._lost.note(task, str(error).splitlines()[0])
            return None
        except self._ray.exceptions.RayTaskError as error:
            raise WorkerError(str(error)) from error


def _connect(ray, address, num_cpus):
    """Joins a cluster, or makes one of this machine for this run."""
    address = address or os.environ.get("RAY_ADDRESS")
    settings = {} if address else {"num_cpus": num_cpus}
    ray.init(
        address=address,
        include_dashboard=None if address else False,
        log_to_driver=False,
        logging_level="ERROR",
        **settings,
    )
