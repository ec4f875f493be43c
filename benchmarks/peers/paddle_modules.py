"""Attention clusters as PaddlePaddle layers: a loop over units, and batched."""

import numpy as np
import paddle
from paddle import nn
from paddle.nn import functional


class BatchedCluster(nn.Layer):
    """All units of a modality: Eq. 4, then Eq. 7 on the pooled features.

    Maps frames `(batch, num_frames, dim)` to `(batch, num_units * dim)`.

    Args:
        dim: Integer, the size of a frame.
        num_units: Integer, the number of units.
    """

    def __init__(self, dim, num_units):
        super().__init__()
        self.num_units = num_units
        self.kernel = self.create_parameter([dim, num_units])
        self.alpha = self.create_parameter([num_units, 1])
        self.beta = self.create_parameter([num_units, 1])

    def forward(self, frames):
        """Pools, shifts and normalizes."""
        scores = functional.softmax(frames @ self.kernel, axis=1)
        pooled = paddle.matmul(scores, frames, transpose_x=True)
        return normalize(pooled, self).flatten(1)

    def assign(self, kernel, alpha, beta):
        """Assigns the weights."""
        self.kernel.set_value(kernel)
        self.alpha.set_value(alpha[:, None])
        self.beta.set_value(beta[:, None])

    def read(self):
        """Returns kernel, alpha and beta as NumPy arrays."""
        weights = self.kernel.numpy(), self.alpha.numpy(), self.beta.numpy()
        return weights[0], weights[1][:, 0], weights[2][:, 0]


class SingleUnit(nn.Layer):
    """One unit with separate weights: Eq. 4, then Eq. 7.

    Args:
        dim: Integer, the size of a frame.
        num_units: Integer, the number of units in its cluster.
    """

    def __init__(self, dim, num_units):
        super().__init__()
        self.num_units = num_units
        self.scoring = nn.Linear(dim, 1, bias_attr=False)
        self.alpha = self.create_parameter([1])
        self.beta = self.create_parameter([1])

    def forward(self, frames):
        """Pools, shifts and normalizes."""
        scores = functional.softmax(self.scoring(frames), axis=1)
        pooled = paddle.matmul(scores, frames, transpose_x=True)
        return normalize(pooled, self).flatten(1)


class LoopedCluster(nn.Layer):
    """Computes the units of a modality one after the other.

    Args:
        dim: Integer, the size of a frame.
        num_units: Integer, the number of units.
    """

    def __init__(self, dim, num_units):
        super().__init__()
        units = [SingleUnit(dim, num_units) for _ in range(num_units)]
        self.units = nn.LayerList(units)

    def forward(self, frames):
        """Concatenates the outputs of the units."""
        return paddle.concat([unit(frames) for unit in self.units], axis=1)

    def assign(self, kernel, alpha, beta):
        """Assigns the weights, one column of the kernel per unit."""
        for index, unit in enumerate(self.units):
            unit.scoring.weight.set_value(kernel[:, index : index + 1])
            unit.alpha.set_value(alpha[index : index + 1])
            unit.beta.set_value(beta[index : index + 1])

    def read(self):
        """Returns kernel, alpha and beta as NumPy arrays."""
        kernels = [unit.scoring.weight.numpy() for unit in self.units]
        return (
            np.concatenate(kernels, axis=1),
            np.concatenate([unit.alpha.numpy() for unit in self.units]),
            np.concatenate([unit.beta.numpy() for unit in self.units]),
        )


class Classifier(nn.Layer):
    """Clusters, dropout and a linear classifier with logits.

    Args:
        setting: Sizes and dropout.
        variant: `"loop"` over units, or `"batched"`.
    """

    def __init__(self, setting, variant):
        super().__init__()
        cluster_class = LoopedCluster if variant == "loop" else BatchedCluster
        self.clusters = nn.LayerDict(
            {
                name: cluster_class(dim, num_units)
                for name, (dim, num_units) in setting.modalities.items()
            }
        )
        self.dropout = nn.Dropout(setting.dropout)
        self.linear = nn.Linear(setting.width, setting.num_classes)

    def forward(self, features):
        """Computes logits `(batch, num_classes)`."""
        pooled = [
            cluster(features[name]) for name, cluster in self.clusters.items()
        ]
        return self.linear(self.dropout(paddle.concat(pooled, axis=1)))


def normalize(pooled, unit):
    """Scales and shifts pooled features and divides them by their norm."""
    shifted = unit.alpha * pooled + unit.beta
    norm = shifted.square().sum(-1, keepdim=True).sqrt()
    return shifted / (unit.num_units**0.5 * norm)
