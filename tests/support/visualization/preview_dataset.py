"""A dataset that keeps images of its test clips, and a model that points.

In every clip one frame's first feature is 1, all others are 0. The model's
first unit puts all its weight on that frame, its second unit weights all
frames alike.
"""

import numpy as np

from ac_keras import AttentionCluster
from ac_keras import cluster_classifier
from ac_keras.pipeline import Clip
from ac_keras.pipeline import DatasetWriter
from ac_keras.pipeline import Description
from ac_keras.pipeline import Modality

CLASS_NAMES = ("cat", "dog", "fox")
NUM_FRAMES, DIM = 5, 3
IMAGE = (4, 20)
POINTED = (3, 0, 4, 1)  # the frame that is pointed at in each test clip
IDS = tuple(f"test-{index}" for index in range(len(POINTED)))


def make_clip(index):
    frames = np.zeros((NUM_FRAMES, DIM), "float32")
    frames[POINTED[index], 0] = 1
    audio = np.ones((2, DIM), "float32")
    return Clip(IDS[index], (index % 3,), {"audio": audio, "rgb": frames})


def write_dataset(directory, clips=None, multi_label=False):
    """Writes a dataset of a test split, without images."""
    clips = clips or list(map(make_clip, range(len(IDS))))
    modalities = {"audio": Modality(DIM), "rgb": Modality(DIM)}
    description = Description(
        "pointed", CLASS_NAMES, modalities, multi_label=multi_label
    )
    writer = DatasetWriter(directory, description, {"test": 1})
    return writer.write(lambda split, shard: clips)


def write_previews(directory, ids=IDS, modality="rgb", num_frames=NUM_FRAMES):
    """Keeps black images of some clips."""
    images = np.zeros((len(ids), num_frames, *IMAGE), np.uint8)
    path = directory / "previews.npz"
    np.savez(path, ids=np.array(ids), **{modality: images})


def make_pointing_model(modalities=("audio", "rgb")):
    """Its answer is always the second class."""
    model = cluster_classifier(
        dict.fromkeys(modalities, DIM),
        {name: AttentionCluster(2, name=name) for name in modalities},
        len(CLASS_NAMES),
    )
    for cluster in model.get_layer("clusters").clusters.values():
        cluster.set_weights([np.array([[50.0, 0.0], [0, 0], [0, 0]])])
    kernel, bias = model.get_layer("logits").get_weights()
    model.get_layer("logits").set_weights([0 * kernel, bias + [0, 1, 0]])
    return model
