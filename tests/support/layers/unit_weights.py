"""Between a layer's weights and the units of the float64 reference."""

import numpy as np


def weights_of(layer):
    """The weights by name, in float64."""
    return {w.name: np.asarray(w.numpy(), "float64") for w in layer.weights}


def units_of(weights, num_units):
    """Splits the weights of a cluster into its units' parameters."""
    return [unit_of(weights, k, num_units) for k in range(num_units)]


def unit_of(weights, k, num_units):
    unit = {}
    if "hidden_kernel" in weights:
        size = len(weights["hidden_bias"]) // num_units
        columns = slice(k * size, (k + 1) * size)
        unit["W1"] = weights["hidden_kernel"][:, columns]
        unit["b1"] = weights["hidden_bias"][columns]
        unit["w2"] = weights["kernel"][:, k]
    elif "kernel" in weights:
        unit["w"] = weights["kernel"][:, k]
    for scalar in {"alpha", "beta"} & set(weights):
        unit[scalar] = weights[scalar][k]
    return unit
