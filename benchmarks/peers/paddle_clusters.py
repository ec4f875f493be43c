"""The classifier in PaddlePaddle: a loop over units, or batched units."""

import paddle
from paddle import nn
from paddle.nn import functional

from peers import setting as settings
from peers.peer import Peer
from peers.peer import cluster_sizes


class Cluster(nn.Layer):
    """Units of a modality: Eq. 4, then Eq. 7 on the pooled features.

    Maps frames `(batch, num_frames, dim)` to `(batch, num_units * dim)`. Sizes
    are those of `cluster_sizes`.
    """

    def __init__(self, dim, num_units, total_units):
        super().__init__()
        self.total_units = total_units
        self.kernel = self.create_parameter([dim, num_units])
        self.alpha = self.create_parameter([num_units, 1])
        self.beta = self.create_parameter([num_units, 1])

    def forward(self, frames):
        """Pools, shifts and normalizes."""
        scores = functional.softmax(frames @ self.kernel, axis=1)
        pooled = paddle.matmul(scores, frames, transpose_x=True)
        shifted = self.alpha * pooled + self.beta
        norm = shifted.square().sum(-1, keepdim=True).sqrt()
        return (shifted / (self.total_units**0.5 * norm)).flatten(1)


class Classifier(nn.Layer):
    """Clusters, dropout and a linear classifier with logits.

    Args:
        setting: Sizes and dropout.
        variant: `"loop"` over units, or `"batched"`.
    """

    def __init__(self, setting, variant):
        super().__init__()
        self.clusters = nn.LayerDict()
        for name, sizes in cluster_sizes(setting, variant).items():
            self.clusters[name] = nn.LayerList([Cluster(*x) for x in sizes])
        self.dropout = nn.Dropout(setting.dropout)
        self.linear = nn.Linear(setting.width, setting.num_classes)

    def forward(self, features):
        """Computes logits `(batch, num_classes)`."""
        pooled = [
            cluster(features[name])
            for name, clusters in self.clusters.items()
            for cluster in clusters
        ]
        return self.linear(self.dropout(paddle.concat(pooled, axis=1)))


class PaddleClusters(Peer):
    """The classifier in PaddlePaddle; its methods are timed.

    All calls on a CPU return when their work is done.

    Args:
        setting: Sizes and training.
        seed: Integer, the seed of initial weights and dropout.
        variant: `"loop"` over units, or `"batched"`.
    """

    def __init__(
        self, setting: settings.Setting, seed: int, variant: str = "batched"
    ):
        super().__init__(setting)
        paddle.seed(seed)
        self.model = Classifier(setting, variant)
        self.clusters, linear = self.model.clusters, self.model.linear
        self.classifier = linear.weight, linear.bias
        self.optimizer = make_optimizer(setting, self.model.parameters())
        self.set_weights(settings.draw_weights(setting, seed))

    def _load(self, features, labels):
        self._features = {k: paddle.to_tensor(x) for k, x in features.items()}
        self._labels = paddle.to_tensor(labels.astype("int64"))

    def _forward(self):
        self.model.eval()
        with paddle.no_grad():
            return functional.softmax(self.model(self._features), axis=1)

    def _gradients(self):
        self.model.train()
        self.optimizer.clear_grad(set_to_zero=False)
        logits = self.model(self._features)
        functional.cross_entropy(logits, self._labels).backward()

    def _step(self):
        self._gradients()
        self.optimizer.step()

    def _assign(self, variable, value):
        variable.set_value(value)

    def _read(self, tensor):
        return tensor.numpy()


def make_optimizer(setting: settings.Setting, weights):
    """Returns the setting's optimizer, which clips by the global norm."""
    options = {"learning_rate": setting.learning_rate, "parameters": weights}
    if setting.clip_norm:
        clip = paddle.nn.ClipGradByGlobalNorm(setting.clip_norm)
        options["grad_clip"] = clip
    if setting.optimizer == "sgd":
        return paddle.optimizer.SGD(**options)
    options["epsilon"] = settings.EPSILON
    if setting.optimizer == "adam":
        return paddle.optimizer.Adam(**options)
    return paddle.optimizer.RMSProp(rho=settings.RMSPROP_DECAY, **options)
