"""What lies in a run's folder, read back."""

import json

import h5py
import tensorflow as tf

from ac_keras import training


def best_weights(folder):
    """Gives the bytes of every array in the best weights' file."""
    found = {}

    def keep(name, item):
        if isinstance(item, h5py.Dataset):
            found[name] = item[()].tobytes()

    with h5py.File(folder / training.BEST_WEIGHTS) as file:
        file.visititems(keep)
    return found


def read_checkpoint(folder):
    """Gives a run's newest checkpoint as a dict of arrays."""
    newest = tf.train.latest_checkpoint(str(folder / "checkpoints"))
    reader = tf.train.load_checkpoint(newest)
    names = reader.get_variable_to_shape_map()
    return {name: reader.get_tensor(name) for name in names}


def position(folder):
    """Gives epoch, step and history of the newest checkpoint."""
    values = read_checkpoint(folder)
    (name,) = (x for x in values if x.startswith("position/"))
    return json.loads(values[name])
