"""What every layer is checked for, whatever the Keras backend.

A check takes a case and returns its largest absolute error, or a word where
there is nothing to measure, and raises where something does not fit at all.
"""

import json
import pathlib
import tempfile

import keras
import numpy as np

from support.conformance.layer_cases import as_float64
from support.conformance.layer_cases import largest_error
from support.conformance.layer_cases import make_model

STEP = 1e-6


def expected_output(case, layer):
    return case.pool(case.read_weights(layer), case.inputs)


def check_reference(case):
    layer = case.make_randomly()
    output = case.call(layer, case.inputs)
    return largest_error(output, expected_output(case, layer))


def check_symbolic(case):
    layer = case.make_randomly()
    model = make_model(case, layer)
    output = model(case.inputs)
    for have, want in zip(model.output.shape, output.shape, strict=True):
        assert have in (None, want), f"{model.output.shape}, {output.shape}"
    assert model.output.dtype == dtype_of(output), model.output.dtype
    return largest_error(output, expected_output(case, layer))


def check_compiled(case):
    """XLA under TensorFlow, jit under JAX."""
    if keras.backend.backend() == "torch":
        return "no jit"
    layer = case.make_randomly()
    model = make_model(case, layer)
    model.compile(jit_compile=True)
    output = model.predict_on_batch(case.inputs)
    return largest_error(output, expected_output(case, layer))


def check_saving(case):
    layer = case.make_randomly()
    model = make_model(case, layer)
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "model.keras"
        model.save(path)
        loaded = keras.models.load_model(path)
    return largest_error(loaded(case.inputs), as_float64(model(case.inputs)))


def check_config(case):
    layer = case.make_randomly()
    config = layer.get_config()
    copy = type(layer).from_config(json.loads(json.dumps(config)))
    assert plain(copy.get_config()) == plain(config), copy.get_config()
    case.call(copy, case.inputs)
    copy.set_weights(layer.get_weights())
    output = case.call(copy, case.inputs)
    return largest_error(output, as_float64(case.call(layer, case.inputs)))


def check_output_shape(case):
    layer = case.make_randomly()
    frames = case.frames(case.inputs)
    shapes = keras.tree.map_structure(lambda x: x.shape, frames)
    claimed = tuple(layer.compute_output_shape(shapes))
    output = case.call(layer, case.inputs)
    assert claimed == tuple(output.shape), f"{claimed}, {output.shape}"
    return "ok"


def check_gradient(case):
    """The slope along a random direction of all weights together.

    A step of gradient descent at rate 1 shows the gradient on any backend.
    """
    layer = case.make_randomly()
    if not layer.trainable_weights:
        return "no weights"
    model = make_model(case, layer)
    model.compile(keras.optimizers.SGD(1.0), loss=weighted_sum)
    rng = np.random.default_rng(3)
    weights = case.read_weights(layer)
    direction = map_arrays(lambda w: rng.normal(size=w.shape), weights)
    factors = rng.normal(size=expected_output(case, layer).shape)
    model.train_on_batch(case.inputs, factors)
    gradient = map_arrays(np.subtract, weights, case.read_weights(layer))

    def loss(step):
        moved = map_arrays(lambda w, d: w + step * d, weights, direction)
        return np.sum(factors * case.pool(moved, case.inputs)) / len(factors)

    slope = (loss(STEP) - loss(-STEP)) / (2 * STEP)
    products = map_arrays(lambda g, d: np.sum(g * d), gradient, direction)
    assert abs(slope) > 0.01, slope
    return abs(float(sum(keras.tree.flatten(products)) - slope))


def check_zeros(case):
    """Without weights a shifted vector is zero: its norm has no slope."""
    layer = case.make_randomly()
    if not layer.trainable_weights:
        return "no weights"
    layer.set_weights([0 * w for w in layer.get_weights()])
    output = case.call(layer, case.inputs)
    error = largest_error(output, expected_output(case, layer))
    model = make_model(case, layer)
    model.compile(keras.optimizers.SGD(1.0), loss=weighted_sum)
    model.train_on_batch(case.inputs, np.ones(output.shape))
    for weight in layer.get_weights():
        assert np.isfinite(weight).all(), "a gradient is not finite"
    return error


def check_mixed(case, policy):
    layer = case.make_randomly(policy)
    output = case.call(layer, case.inputs)
    compute_dtype = layer.compute_dtype
    assert dtype_of(output) in ("bool", compute_dtype), output.dtype
    assert all(dtype_of(w) == "float32" for w in layer.weights)
    return largest_error(output, expected_output(case, layer))


def check_mixed_float16(case):
    return check_mixed(case, "mixed_float16")


def check_mixed_bfloat16(case):
    return check_mixed(case, "mixed_bfloat16")


def weighted_sum(factors, output):
    return keras.ops.sum(factors * output, axis=-1)


def dtype_of(tensor):
    return keras.backend.standardize_dtype(tensor.dtype)


def map_arrays(function, *structures):
    return keras.tree.map_structure(function, *structures)


def plain(config):
    """A config as a file holds it, where tuples are lists."""
    return json.loads(json.dumps(config))


CHECKS = {  # With the largest absolute error allowed.
    "reference": (check_reference, 1e-5),
    "gradient": (check_gradient, 1e-4),
    "zero weights": (check_zeros, 1e-5),
    "symbolic": (check_symbolic, 1e-5),
    "compiled": (check_compiled, 1e-5),
    "mixed_float16": (check_mixed_float16, 1e-2),
    "mixed_bfloat16": (check_mixed_bfloat16, 5e-2),
    "saved and loaded": (check_saving, 0.0),
    "config": (check_config, 0.0),
    "output shape": (check_output_shape, 0.0),
}
