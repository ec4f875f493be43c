"""The classifier in PyTorch: a loop over units, or batched units."""

import torch
from torch import nn
from torch.nn import functional

from peers import setting as settings
from peers.peer import Peer
from peers.peer import cluster_sizes


class Cluster(nn.Module):
    """Units of a modality: Eq. 4, then Eq. 7 on the pooled features.

    Maps frames `(batch, num_frames, dim)` to `(batch, num_units * dim)`. Sizes
    are those of `cluster_sizes`.
    """

    def __init__(self, dim, num_units, total_units):
        super().__init__()
        self.total_units = total_units
        self.kernel = nn.Parameter(torch.empty(dim, num_units))
        self.alpha = nn.Parameter(torch.empty(num_units, 1))
        self.beta = nn.Parameter(torch.empty(num_units, 1))

    def forward(self, frames):
        """Pools, shifts and normalizes."""
        scores = torch.softmax(frames @ self.kernel, dim=1)
        pooled = scores.transpose(1, 2) @ frames
        shifted = self.alpha * pooled + self.beta
        norm = shifted.square().sum(-1, keepdim=True).sqrt()
        return (shifted / (self.total_units**0.5 * norm)).flatten(1)


class Classifier(nn.Module):
    """Clusters, dropout and a linear classifier with logits.

    Args:
        setting: Sizes and dropout.
        variant: `"loop"` over units, or `"batched"`.
    """

    def __init__(self, setting, variant):
        super().__init__()
        self.clusters = nn.ModuleDict()
        for name, sizes in cluster_sizes(setting, variant).items():
            self.clusters[name] = nn.ModuleList(Cluster(*x) for x in sizes)
        self.dropout = nn.Dropout(setting.dropout)
        self.linear = nn.Linear(setting.width, setting.num_classes)

    def forward(self, features):
        """Computes logits `(batch, num_classes)`."""
        pooled = [
            cluster(features[name])
            for name, clusters in self.clusters.items()
            for cluster in clusters
        ]
        return self.linear(self.dropout(torch.cat(pooled, dim=1)))


class TorchClusters(Peer):
    """The classifier in PyTorch; its methods are timed.

    They may be called under `torch.autocast`.

    Args:
        setting: Sizes and training.
        seed: Integer, the seed of initial weights and dropout.
        variant: `"loop"` over units, or `"batched"`.
        compiled: Whether to use `torch.compile` for forward, backward and
            update, which compiles at the first call.
        device: PyTorch's name of the device of weights and batch.
    """

    def __init__(
        self,
        setting: settings.Setting,
        seed: int,
        variant: str = "batched",
        compiled: bool = False,
        device: str = "cpu",
    ):
        super().__init__(setting)
        self.device = torch.device(device)
        torch.manual_seed(seed)
        self.model = Classifier(setting, variant).to(self.device)
        self.clusters, linear = self.model.clusters, self.model.linear
        self.classifier = linear.weight.T, linear.bias
        self.optimizer = make_optimizer(setting, self.model.parameters())
        self._logits, self._update = self.model, self._clip_and_update
        if compiled:
            self._logits = torch.compile(self.model)
            self._update = torch.compile(self._clip_and_update)
        self.set_weights(settings.draw_weights(setting, seed))

    def _load(self, features, labels):
        self._features = {
            name: torch.from_numpy(x).to(self.device)
            for name, x in features.items()
        }
        self._labels = torch.from_numpy(labels).long().to(self.device)

    @torch.no_grad()
    def _forward(self):
        self.model.eval()
        return torch.softmax(self._logits(self._features).float(), dim=1)

    def _gradients(self):
        self.model.train()
        self.optimizer.zero_grad(set_to_none=True)
        logits = self._logits(self._features).float()
        functional.cross_entropy(logits, self._labels).backward()

    def _step(self):
        self._gradients()
        self._update()

    def _clip_and_update(self):
        if self.setting.clip_norm:
            torch.nn.utils.clip_grad_norm_(
                self.model.parameters(), self.setting.clip_norm
            )
        self.optimizer.step()

    def _wait(self, result):
        if self.device.type != "cpu":  # Calls on a CPU return when done.
            torch.accelerator.synchronize()

    @torch.no_grad()
    def _assign(self, variable, value):
        variable.copy_(torch.from_numpy(value))

    def _read(self, tensor):
        return tensor.detach().cpu().numpy()


def make_optimizer(setting: settings.Setting, weights) -> torch.optim.Optimizer:
    """Returns the setting's optimizer, which does not clip.

    PyTorch adds epsilon of RMSProp to the root; Keras adds it below the root.
    """
    if setting.optimizer == "sgd":
        return torch.optim.SGD(weights, setting.learning_rate)
    options = {"lr": setting.learning_rate, "eps": settings.EPSILON}
    if setting.optimizer == "adam":
        return torch.optim.Adam(weights, **options)
    return torch.optim.RMSprop(weights, alpha=settings.RMSPROP_DECAY, **options)
