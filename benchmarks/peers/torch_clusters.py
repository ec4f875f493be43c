"""The classifier in PyTorch: a loop over units, or batched units."""

import numpy as np
import torch
from torch.nn import functional

from peers import setting as settings
from peers import torch_modules

VARIANTS = {
    "loop": torch_modules.LoopedCluster,
    "batched": torch_modules.BatchedCluster,
}


class TorchClusters:
    """The classifier in PyTorch; its methods are timed.

    `forward`, `gradients` and `step` return when their work is done. They may
    be called under `torch.autocast`.

    Args:
        setting: Sizes and training.
        seed: Integer, the seed of initial weights and dropout.
        variant: `"loop"` over units, or `"batched"`.
        compiled: Whether to use `torch.compile` for forward, backward and
            update, which compiles at the first call.
        device: PyTorch's name of the device of weights and batch.

    Raises:
        ValueError: If the variant is unknown.
    """

    def __init__(
        self,
        setting: settings.Setting,
        seed: int,
        variant: str = "batched",
        compiled: bool = False,
        device: str = "cpu",
    ):
        if variant not in VARIANTS:
            raise ValueError(
                f"TorchClusters expects variant to be one of {list(VARIANTS)}. "
                f"Received: variant={variant!r}. 'batched' is the faster one."
            )
        self.setting, self.device = setting, torch.device(device)
        torch.manual_seed(seed)
        model = torch_modules.Classifier(setting, VARIANTS[variant])
        self.model = model.to(self.device)
        self.optimizer = make_optimizer(setting, self.model.parameters())
        self._logits, self._update = self.model, self._clip_and_update
        if compiled:
            self._logits = torch.compile(self.model)
            self._update = torch.compile(self._clip_and_update)
        self.set_weights(settings.draw_weights(setting, seed))

    @torch.no_grad()
    def set_weights(self, weights: dict[str, np.ndarray]):
        """Assigns weights, named as in `Setting.weight_shapes`."""
        settings.check_weights(self.setting, weights)
        weights = {k: torch.from_numpy(x) for k, x in weights.items()}
        for name, cluster in self.model.clusters.items():
            cluster.assign(*(weights[f"{name}/{x}"] for x in settings.PARTS))
        self.model.linear.weight.copy_(weights["classifier/kernel"].T)
        self.model.linear.bias.copy_(weights["classifier/bias"])

    @torch.no_grad()
    def get_weights(self) -> dict[str, np.ndarray]:
        """Returns the weights, named as in `Setting.weight_shapes`."""
        weights = settings.read_clusters(self.model.clusters)
        weights["classifier/kernel"] = self.model.linear.weight.T
        weights["classifier/bias"] = self.model.linear.bias
        return {k: x.cpu().numpy().copy() for k, x in weights.items()}

    def load_batch(self, features: dict[str, np.ndarray], labels: np.ndarray):
        """Converts the batch that the other methods use to tensors."""
        settings.check_batch(self.setting, features, labels)
        self._features = {
            name: torch.from_numpy(x).to(self.device)
            for name, x in features.items()
        }
        self._labels = torch.from_numpy(labels).long().to(self.device)

    def forward(self):
        """Computes the batch's probabilities, without dropout."""
        self._probabilities()
        self._wait()

    def gradients(self):
        """Computes the gradients of the loss, with dropout."""
        self._backward()
        self._wait()

    def step(self):
        """Updates the weights by one training step."""
        self._backward()
        self._update()
        self._wait()

    def probe(self) -> np.ndarray:
        """Returns the batch's probabilities `(batch_size, num_classes)`."""
        return self._probabilities().cpu().numpy()

    @torch.no_grad()
    def _probabilities(self):
        self.model.eval()
        return torch.softmax(self._logits(self._features).float(), dim=1)

    def _backward(self):
        self.model.train()
        self.optimizer.zero_grad(set_to_none=True)
        logits = self._logits(self._features).float()
        functional.cross_entropy(logits, self._labels).backward()

    def _clip_and_update(self):
        if self.setting.clip_norm:
            torch.nn.utils.clip_grad_norm_(
                self.model.parameters(), self.setting.clip_norm
            )
        self.optimizer.step()

    def _wait(self):
        if self.device.type != "cpu":  # Calls on a CPU return when done.
            torch.accelerator.synchronize()


def make_optimizer(setting: settings.Setting, weights) -> torch.optim.Optimizer:
    """Returns the setting's optimizer, which does not clip.

    PyTorch adds epsilon of RMSProp to the root; Keras adds it below the root.
    """
    if setting.optimizer == "sgd":
        return torch.optim.SGD(weights, setting.learning_rate)
    if setting.optimizer == "adam":
        return torch.optim.Adam(
            weights, setting.learning_rate, eps=settings.EPSILON
        )
    return torch.optim.RMSprop(
        weights,
        setting.learning_rate,
        alpha=settings.RMSPROP_DECAY,
        eps=settings.EPSILON,
    )
