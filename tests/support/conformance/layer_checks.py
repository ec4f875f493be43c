"""The checks of every layer and classifier, on any Keras backend.

A check takes a case and returns its largest absolute error, or a word if there
is nothing to measure. It raises an error if a shape or dtype is wrong.
"""

import functools
import json
import pathlib
import tempfile
import traceback

import keras
import numpy as np

from support.conformance.layer_cases import as_float64
from support.conformance.layer_cases import largest_error
from support.conformance.layer_cases import largest_errors
from support.conformance.layer_cases import make_full_model
from support.conformance.layer_cases import make_model

STEP = 1e-6
ROUNDING = {"float16": 2.0**-11, "bfloat16": 2.0**-8}


def expected_output(case, layer):
    return case.pool(case.read_weights(layer), case.inputs)


def check_reference(case):
    layer = case.make_randomly()
    outputs = case.call_fully(layer, case.inputs)
    error = largest_errors(outputs, case.expected(layer))
    # Without the scores, the output is the same.
    assert not largest_error(
        case.call(layer, case.inputs), as_float64(outputs[0])
    )
    return error


def check_symbolic(case):
    layer = case.make_randomly()
    model = make_full_model(case, layer)
    outputs = flat(model, case)
    for symbolic, output in zip(model.outputs, outputs, strict=True):
        for have, want in zip(symbolic.shape, output.shape, strict=True):
            assert have in (None, want), f"{symbolic.shape}, {output.shape}"
        assert symbolic.shape[0] is None, symbolic.shape
        assert symbolic.dtype == dtype_of(output), symbolic.dtype
    return largest_errors(outputs, case.expected(layer))


def check_compiled(case):
    """Checks XLA under TensorFlow and jit under JAX."""
    if keras.backend.backend() == "torch":
        return "no jit"
    return check_graph(case, jit_compile=True)


def check_graph(case, jit_compile=False):
    layer = case.make_randomly()
    model = make_full_model(case, layer)
    model.compile(jit_compile=jit_compile)
    outputs = keras.tree.flatten(model.predict_on_batch(case.inputs))
    return largest_errors(outputs, case.expected(layer))


def check_saving(case):
    """Checks outputs and configs of a loaded model, and of loaded weights."""
    layer = case.make_randomly()
    model = make_full_model(case, layer)
    other = make_full_model(case, case.make("float32"))
    expected = [as_float64(output) for output in flat(model, case)]
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "model.keras"
        model.save(path)
        loaded = keras.models.load_model(path)
        model.save_weights(path.with_suffix(".weights.h5"))
        other.load_weights(path.with_suffix(".weights.h5"))
    configs = [x.get_layer(layer.name).get_config() for x in (loaded, model)]
    assert json.dumps(configs[0]) == json.dumps(configs[1]), configs
    outputs = [*flat(loaded, case), *flat(other, case)]
    return largest_errors(outputs, 2 * expected)


def check_clone(case):
    """Checks that a clone has the same outputs and its own weights."""
    layer = case.make_randomly()
    model = make_full_model(case, layer)
    clone = keras.models.clone_model(model)
    clone.set_weights(model.get_weights())
    expected = [as_float64(output) for output in flat(model, case)]
    layer.set_weights([0 * w for w in layer.get_weights()])
    return largest_errors(flat(clone, case), expected)


def flat(model, case):
    return keras.tree.flatten(model(case.inputs))


def check_config(case):
    layer = case.make_randomly()
    config = layer.get_config()
    copy = type(layer).from_config(json.loads(json.dumps(config)))
    assert json.dumps(copy.get_config()) == json.dumps(config), (
        copy.get_config()
    )
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
    """Checks the slope along a random direction of all weights.

    The gradient, on any backend, is a step of gradient descent at rate 1.
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
    """Checks weights of zero, where the norm of a shifted vector is zero."""
    layer = case.make_randomly()
    if not layer.trainable_weights:
        return "no weights"
    for weight in layer.trainable_weights:
        weight.assign(0 * weight)
    output = case.call(layer, case.inputs)
    error = largest_error(output, expected_output(case, layer))
    model = make_model(case, layer)
    model.compile(keras.optimizers.SGD(1.0), loss=weighted_sum)
    model.train_on_batch(case.inputs, np.ones(output.shape))
    for weight in layer.get_weights():
        assert np.isfinite(weight).all(), "a gradient is not finite"
    return error


def check_policy(case, policy):
    """Checks dtypes, and the error of half precision in units of rounding."""
    layer = case.make_randomly(policy)
    dtype = layer.compute_dtype
    outputs = case.call_fully(layer, case.inputs)
    symbolic = make_full_model(case, layer).outputs
    for output, spec in zip(outputs, symbolic, strict=True):
        assert dtype_of(output) == (case.dtype or dtype), output.dtype
        assert spec.dtype == dtype_of(output), spec.dtype
    for weight in layer.weights:
        exact = weight.name in ("alpha", "beta", "mean", "deviation")
        expected = "float32" if exact or "mixed" in policy else dtype
        assert dtype_of(weight) == expected, weight.path
    assert layer.dtype_policy.name == policy
    rounded = map_arrays(lambda x: round_to(x, dtype), case.inputs)
    expected = case.expected(layer, rounded)
    size = max(np.abs(x).max() for x in expected)
    return largest_errors(outputs, expected) / size / ROUNDING[dtype]


def round_to(array, dtype):
    if array.dtype != "float32":
        return array
    return as_float64(keras.ops.cast(array, dtype))


def weighted_sum(factors, output):
    return keras.ops.sum(factors * output, axis=-1)


def dtype_of(tensor):
    return keras.backend.standardize_dtype(tensor.dtype)


def map_arrays(function, *structures):
    return keras.tree.map_structure(function, *structures)


CHECKS = {  # With the largest error allowed.
    "reference": (check_reference, 1e-5),
    "gradient": (check_gradient, 1e-4),
    "zero weights": (check_zeros, 1e-5),
    "symbolic": (check_symbolic, 1e-5),
    "graph": (check_graph, 1e-5),
    "compiled": (check_compiled, 1e-5),
    **{
        policy: (functools.partial(check_policy, policy=policy), 8.0)
        for policy in ("float16", "bfloat16", "mixed_float16", "mixed_bfloat16")
    },
    "saved and loaded": (check_saving, 0.0),
    "cloned": (check_clone, 0.0),
    "config": (check_config, 0.0),
    "output shape": (check_output_shape, 0.0),
}


def run_checks(cases, checks=CHECKS):
    """Returns the failures by layer and check."""
    failures = {}
    for layer, case in cases.items():
        for name, (check, limit) in checks.items():
            try:
                error = check(case)
            except Exception:  # The other checks run all the same.
                failures[layer, name] = f"{layer}: {traceback.format_exc()}"
                continue
            if not isinstance(error, str) and not error <= limit:  # NaN is not.
                failures[layer, name] = f"{layer}, {name}: {error} > {limit}"
    return failures
