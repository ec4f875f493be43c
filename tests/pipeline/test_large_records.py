"""Large records of local files are read without a buffer, all the same."""

import numpy as np

from ac_keras.pipeline import Clip
from ac_keras.pipeline import DatasetWriter
from ac_keras.pipeline import Description
from ac_keras.pipeline import Modality
from ac_keras.pipeline import evaluation_batches
from ac_keras.pipeline import shards

DIM = 4096


def write(directory, num_frames):
    description = Description("large", ["a"], {"rgb": Modality(DIM)})

    def clips_of(split, index):
        for number in range(3):
            frames = np.full((num_frames, DIM), 1.0 + 3 * index + number)
            yield Clip(f"{index}-{number}", (0,), {"rgb": frames})

    writer = DatasetWriter(directory, description, {"test": 2})
    return writer.write(clips_of)


def buffers_of(manifest):
    runs = shards.shard_runs(manifest, "test")
    return runs["buffer_bytes"].numpy().tolist()


def test_records_of_64_kib_or_more_have_no_buffer(tmp_path):
    assert buffers_of(write(tmp_path / "small", 1)) == [shards.BUFFER_BYTES] * 2
    assert buffers_of(write(tmp_path / "large", 5)) == [0, 0]


def test_records_without_a_buffer_are_read_in_order(tmp_path):
    manifest = write(tmp_path, 5)
    batches = evaluation_batches(manifest, "test", batch_size=4)
    frames = np.concatenate([x["rgb"] for x, _ in batches])
    np.testing.assert_array_equal(frames[:, 0, 0], [1, 2, 3, 4, 5, 6])
    assert frames.shape == (6, 5, DIM)
    np.testing.assert_array_equal(frames, frames[:, :1, :1] + 0 * frames)
