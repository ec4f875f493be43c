"""A saved classifier and its records, read without the package's own code."""

import collections
import json

import keras
import numpy as np
import tensorflow as tf

# Every clip's frames in float64, by modality, and its label.
Clips = collections.namedtuple("Clips", ["frames", "labels"])


def read_clips(directory, split):
    """Reads a split's records by what the manifest says of them."""
    manifest = json.loads((directory / "manifest.json").read_text())
    frames, labels = [], []
    for shard in manifest["splits"][split]["shards"]:
        path = str(directory / shard["file"])
        for record in tf.data.TFRecordDataset(path).as_numpy_iterator():
            feature = tf.train.Example.FromString(record).features.feature
            labels.append(feature["labels"].int64_list.value[0])
            frames.append(
                {
                    name: decode(feature[name].bytes_list.value[0], layout)
                    for name, layout in manifest["modalities"].items()
                }
            )
    return Clips(frames, np.array(labels))


def decode(stored, layout):
    frames = np.frombuffer(stored, layout["dtype"]).reshape(-1, layout["dim"])
    frames = frames.astype("float64")
    if layout["dtype"] == "uint8":
        low, high = layout["value_range"]
        frames = low + frames * (high - low) / 255
    return frames


def predict(path, clips):
    """Probabilities `(num_clips, num_classes)` of a `.keras` file (Eq. 7)."""
    model = keras.models.load_model(path)
    clusters = model.get_layer("clusters").clusters
    statistics = {
        layer.name.removesuffix("_standardization"): layer.get_weights()
        for layer in model.layers
        if layer.name.endswith("_standardization")
    }
    features = [
        np.concatenate(
            [
                pool(x, standardize(clip[name], *statistics.get(name, (0, 1))))
                for name, x in clusters.items()
            ]
        )
        for clip in clips.frames
    ]
    kernel, bias = model.get_layer("logits").get_weights()
    return softmax(np.array(features) @ kernel + bias)


def standardize(frames, mean, deviation):
    return (frames - mean) / deviation


def pool(layer, frames):
    """One clip's shifted units side by side; zeros without a frame."""
    kernel, alpha, beta = layer.get_weights()
    if not len(frames):
        return np.zeros(kernel.size)
    units = softmax((frames @ kernel).T) @ frames
    units = alpha[:, None] * units + beta[:, None]
    units /= np.linalg.norm(units, axis=1, keepdims=True)
    return units.ravel() / np.sqrt(len(units))


def softmax(x):
    x = np.exp(x - x.max(axis=-1, keepdims=True))
    return x / x.sum(axis=-1, keepdims=True)


def accuracy(probabilities, labels):
    return np.mean(probabilities.argmax(axis=1) == labels)


def loss(probabilities, labels):
    return -np.log(probabilities[np.arange(len(labels)), labels]).mean()
