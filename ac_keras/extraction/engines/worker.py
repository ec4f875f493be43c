"""Worker of an extraction: from the files of a shard to its records."""

import collections
import concurrent.futures
import itertools
from collections.abc import Callable
from collections.abc import Iterator

import tensorflow as tf

from ac_keras.extraction.backbones.dataset_backbones import ClipBackbones
from ac_keras.extraction.engines.job import ClipEvent
from ac_keras.extraction.engines.job import ExtractionJob
from ac_keras.extraction.engines.job import Problem
from ac_keras.extraction.engines.job import ShardResult
from ac_keras.extraction.engines.job import ShardTask
from ac_keras.extraction.engines.job import write_problems
from ac_keras.extraction.inputs.clip_inputs import ClipInputs
from ac_keras.extraction.inputs.clip_inputs import add_seconds
from ac_keras.extraction.inputs.clip_inputs import read_inputs
from ac_keras.extraction.media.container import MediaError
from ac_keras.pipeline import Clip
from ac_keras.pipeline import decode_clip
from ac_keras.pipeline.writer import write_shard_file


class ShardExtractor:
    """Writes shards; files are read ahead while backbones compute.

    It sets TensorFlow's threads, so it needs a separate process.
    """

    def __init__(self, job: ExtractionJob):
        set_threads(job.num_threads)
        self._job = job
        self._backbones = ClipBackbones(job.directory, job.plan)
        self._pool = concurrent.futures.ThreadPoolExecutor(job.read_ahead)
        names = enumerate(job.description.class_names)
        self._classes = {name: index for index, name in names}

    def extract(
        self, task: ShardTask, on_event: Callable[[ClipEvent], None]
    ) -> ShardResult:
        """Writes a shard; its file appears when its last clip is written.

        A clip whose file cannot be used is left out. Problems with files are
        written beside the shard before it appears.
        """
        seconds = collections.Counter()
        clips = self._clips(task, on_event, seconds)
        totals = write_shard_file(task.path, clips, self._job.description)
        return ShardResult(task.key, totals, dict(seconds))

    def _clips(self, task, on_event, seconds) -> Iterator[Clip]:
        problems, skipped = [], 0
        on_event(ClipEvent(task.key, 0, 0))
        read = self._read_records if task.source else self._read_files
        for number, (clip_id, labels, take) in enumerate(read(task), start=1):
            try:
                with add_seconds(seconds, "waiting for files"):
                    inputs = take()
            except MediaError as error:
                problems.append(Problem(task.split, clip_id, True, str(error)))
                skipped += 1
            else:
                problems += [
                    Problem(task.split, clip_id, False, problem)
                    for problem in inputs.problems
                ]
                seconds.update(inputs.seconds)
                yield Clip(clip_id, labels, self._frames(inputs, seconds))
            on_event(ClipEvent(task.key, number, skipped))
        # Before the shard's file gets its name: it never lacks its problems.
        write_problems(task.path, problems)

    def _frames(self, inputs: ClipInputs, seconds):
        frames = {}
        for name, array in inputs.arrays.items():
            if len(array):
                with add_seconds(seconds, f"{name} backbone"):
                    frames[name] = self._backbones.features(name, array)
        return frames

    def _read_files(self, task):
        """Yields id, labels and the function to inputs that are read ahead."""
        rows = iter(task.rows)
        waiting = collections.deque(
            map(self._begin, itertools.islice(rows, self._job.read_ahead))
        )
        while waiting:
            row, reading = waiting.popleft()
            waiting.extend(map(self._begin, itertools.islice(rows, 1)))
            labels = tuple(self._classes[name] for name in row.labels)
            yield row.id, labels, reading.result

    def _begin(self, row):
        path = self._job.media_dir / row.path
        return row, self._pool.submit(read_inputs, path, self._job.plan)

    def _read_records(self, task):
        """Yields the same of clips whose inputs are stored in records."""
        source = self._job.inputs
        for record in tf.data.TFRecordDataset(str(task.source)):
            example = tf.train.Example.FromString(record.numpy())
            clip = decode_clip(example, source)
            arrays = {
                name: clip.frames[name].reshape(-1, *plan.input_shape)
                for name, plan in self._job.plan.modalities.items()
            }
            inputs = ClipInputs(arrays)
            yield clip.id, clip.labels, lambda inputs=inputs: inputs


def set_threads(num_threads: int) -> None:
    """Limits the threads of a process and the GPU memory that it takes."""
    tf.config.threading.set_intra_op_parallelism_threads(num_threads)
    tf.config.threading.set_inter_op_parallelism_threads(num_threads)
    for gpu in tf.config.list_physical_devices("GPU"):
        tf.config.experimental.set_memory_growth(gpu, True)
