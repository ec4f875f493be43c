"""Engine that extracts shards in parallel on a Ray cluster."""

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
from ac_keras.utils.optional_imports import import_optional

POLL_SECONDS = 0.5  # between two polls for events


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
    """Writes shards on a cluster, as `local_engine.run_shards`.

    All machines need the media and the dataset's folder under the same paths.
    The address of the cluster is for `ray.init`; None uses RAY_ADDRESS, or
    starts a cluster on this machine for the run. The numbers of CPUs and GPUs
    are per worker; a fraction shares one.

    Raises:
        ImportError: If Ray is not installed.
        WorkerError: If a worker raised an exception, or three workers were
            lost on one shard.
    """
    ray = import_optional("ray", "ray")
    own = not ray.is_initialized()
    if own:
        _connect(ray, address, num_workers * num_cpus)
    try:
        pool = _Pool(ray, job, num_cpus, num_gpus, on_event)
        yield from pool.run(collections.deque(tasks), num_workers)
    finally:
        if own:
            ray.shutdown()


class RayWorker:
    """Writes shards, as a Ray actor, and queues an event for each clip."""

    def __init__(self, job, events):
        from ac_keras.extraction.engines.worker import ShardExtractor

        self._extractor = ShardExtractor(job)
        self._events = events

    def extract(self, task: ShardTask) -> ShardResult:
        """Writes a shard."""
        return self._extractor.extract(task, self._events.put)


class _Pool:
    """Pool of workers, with their current shards and their events."""

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
            done, _ = self._ray.wait(list(running), timeout=POLL_SECONDS)
            for _ in range(self._events.qsize()):
                self._on_event(self._events.get())
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

    def _result_of(self, reference, task):
        """Returns the result of a shard, None if its worker was lost."""
        try:
            return self._ray.get(reference)
        except self._ray.exceptions.RayActorError as error:
            self._lost.add(task, str(error).splitlines()[0])
            return None
        except self._ray.exceptions.RayTaskError as error:
            raise WorkerError(str(error)) from error


def _connect(ray, address, num_cpus):
    """Connects to a cluster, or starts one on this machine for the run."""
    address = address or os.environ.get("RAY_ADDRESS")
    settings = {} if address else {"num_cpus": num_cpus}
    ray.init(
        address=address,
        include_dashboard=None if address else False,
        log_to_driver=False,
        logging_level="ERROR",
        **settings,
    )
