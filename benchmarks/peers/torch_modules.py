"""Attention clusters as PyTorch modules: a loop over units, and batched."""

import torch
from torch import nn


class BatchedCluster(nn.Module):
    """All units of a modality: Eq. 4, then Eq. 7 on the pooled features.

    Maps frames `(batch, num_frames, dim)` to `(batch, num_units * dim)`.

    Args:
        dim: Integer, the size of a frame.
        num_units: Integer, the number of units.
    """

    def __init__(self, dim, num_units):
        super().__init__()
        self.kernel = nn.Parameter(torch.empty(dim, num_units))
        self.alpha = nn.Parameter(torch.empty(num_units))
        self.beta = nn.Parameter(torch.empty(num_units))

    def forward(self, frames):
        """Pools, shifts and normalizes."""
        scores = torch.softmax(frames @ self.kernel, dim=1)
        pooled = scores.transpose(1, 2) @ frames
        shifted = self.alpha[:, None] * pooled + self.beta[:, None]
        norm = shifted.square().sum(-1, keepdim=True).sqrt()
        return (shifted / (len(self.alpha) ** 0.5 * norm)).flatten(1)

    def assign(self, kernel, alpha, beta):
        """Assigns the weights."""
        self.kernel.copy_(kernel)
        self.alpha.copy_(alpha)
        self.beta.copy_(beta)

    def read(self):
        """Returns kernel, alpha and beta."""
        return self.kernel, self.alpha, self.beta


class SingleUnit(nn.Module):
    """One unit with separate weights: Eq. 4, then Eq. 7.

    Args:
        dim: Integer, the size of a frame.
        num_units: Integer, the number of units in its cluster.
    """

    def __init__(self, dim, num_units):
        super().__init__()
        self.num_units = num_units
        self.scoring = nn.Linear(dim, 1, bias=False)
        self.alpha = nn.Parameter(torch.empty(()))
        self.beta = nn.Parameter(torch.empty(()))

    def forward(self, frames):
        """Pools, shifts and normalizes."""
        scores = torch.softmax(self.scoring(frames), dim=1)
        pooled = (scores.transpose(1, 2) @ frames)[:, 0]
        shifted = self.alpha * pooled + self.beta
        norm = shifted.square().sum(-1, keepdim=True).sqrt()
        return shifted / (self.num_units**0.5 * norm)


class LoopedCluster(nn.Module):
    """Computes the units of a modality one after the other.

    Args:
        dim: Integer, the size of a frame.
        num_units: Integer, the number of units.
    """

    def __init__(self, dim, num_units):
        super().__init__()
        self.units = nn.ModuleList(
            SingleUnit(dim, num_units) for _ in range(num_units)
        )

    def forward(self, frames):
        """Concatenates the outputs of the units."""
        return torch.cat([unit(frames) for unit in self.units], dim=1)

    def assign(self, kernel, alpha, beta):
        """Assigns the weights, one column of the kernel per unit."""
        for index, unit in enumerate(self.units):
            unit.scoring.weight.copy_(kernel[:, index])
            unit.alpha.copy_(alpha[index])
            unit.beta.copy_(beta[index])

    def read(self):
        """Returns kernel, alpha and beta."""
        return (
            torch.cat([unit.scoring.weight for unit in self.units]).T,
            torch.stack([unit.alpha for unit in self.units]),
            torch.stack([unit.beta for unit in self.units]),
        )


class Classifier(nn.Module):
    """Clusters, dropout and a linear classifier with logits.

    Args:
        setting: Sizes and dropout.
        cluster_class: Module of one modality's units.
    """

    def __init__(self, setting, cluster_class):
        super().__init__()
        self.clusters = nn.ModuleDict(
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
        return self.linear(self.dropout(torch.cat(pooled, dim=1)))
