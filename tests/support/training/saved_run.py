"""Reads the files of a run's folder."""

import json

import h5py
import tensorflow as tf

from ac_keras import training


def best_weights(folder):
    """Returns the bytes of every array in the best weights' file."""
    found = {}

    def keep(name, item):
        if isinstance(item, h5py.Dataset):
            found[name] = item[()].tobytes()

    with h5py.File(folder / training.BEST_WEIGHTS) as file:
        file.visititems(keep)
    return found


def read_checkpoint(folder):
    """Returns a run's newest checkpoint, a dict of arrays; {} without one."""
    newest = tf.train.latest_checkpoint(str(folder / "checkpoints"))
    if newest is None:
        return {}
    reader = tf.train.load_checkpoint(newest)
    names = reader.get_variable_to_shape_map()
    return {name: reader.get_tensor(name) for name in names}


def position(folder):
    """Returns epoch, step and history of the newest checkpoint, or None."""
    for name, value in read_checkpoint(folder).items():
        if name.startswith("position/"):
            return json.loads(value)
    return None


def number_of_saves(folder):
    """Returns how many checkpoints there were."""
    path = folder / "checkpoints" / "checkpoint"
    if not path.exists():
        return 0
    return int(path.read_text().split('"')[1].removeprefix("ckpt-"))
