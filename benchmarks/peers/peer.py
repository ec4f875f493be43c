"""What the implementations of the classifier that are timed have in common."""

import numpy as np

from peers import setting as settings


class Peer:
    """A classifier whose three methods are timed.

    `forward`, `gradients` and `step` return when their work is done. For them,
    a subclass defines `_load`, `_forward`, `_gradients`, `_step` and, unless
    calls return when done, `_wait`. To be compared with the definition, it
    defines `_assign`, `_read`, and these attributes:

    - `clusters`: lists of the modules with `kernel`, `alpha` and `beta` of
      each modality; each module has an equal share of the units;
    - `classifier`: kernel `(width, num_classes)` and bias.

    Args:
        setting: Sizes and training.
    """

    def __init__(self, setting: settings.Setting):
        self.setting = setting

    def set_weights(self, weights: dict[str, np.ndarray]):
        """Assigns weights, named as in `Setting.weight_shapes`."""
        settings.check_weights(self.setting, weights)
        for name, variables in self._variables().items():
            parts = np.split(weights[name], len(variables), axis=-1)
            for variable, part in zip(variables, parts, strict=True):
                self._assign(variable, part.reshape(tuple(variable.shape)))

    def get_weights(self) -> dict[str, np.ndarray]:
        """Returns the weights, named as in `Setting.weight_shapes`."""
        shapes = self.setting.weight_shapes()
        weights = {}
        for name, variables in self._variables().items():
            shape = (*shapes[name][:-1], -1)
            parts = [self._read(x).reshape(shape) for x in variables]
            weights[name] = np.concatenate(parts, axis=-1)
        return weights

    def load_batch(self, features: dict[str, np.ndarray], labels: np.ndarray):
        """Converts the batch that the other methods use to tensors."""
        settings.check_batch(self.setting, features, labels)
        self._load(features, labels)

    def forward(self):
        """Computes the batch's probabilities, without dropout."""
        self._wait(self._forward())

    def gradients(self):
        """Computes the gradients of the loss, with dropout."""
        self._wait(self._gradients())

    def step(self):
        """Updates the weights by one training step."""
        self._wait(self._step())

    def probe(self) -> np.ndarray:
        """Returns the batch's probabilities `(batch_size, num_classes)`."""
        return self._read(self._forward())

    def _wait(self, result):
        """Returns when the result is computed."""

    def _variables(self):
        """Returns the variables of every weight, one or one per unit."""
        variables = {
            f"{name}/{part}": [getattr(x, part) for x in clusters]
            for name, clusters in self.clusters.items()
            for part in settings.PARTS
        }
        kernel, bias = self.classifier
        classifier = {"classifier/kernel": [kernel], "classifier/bias": [bias]}
        return variables | classifier


def cluster_sizes(
    setting: settings.Setting, variant: str
) -> dict[str, list[tuple[int, int, int]]]:
    """Returns the sizes of the modules that compute a modality's units.

    Args:
        setting: Sizes of the classifier.
        variant: `"loop"` for a module per unit, or `"batched"` for one module
            with all units of a modality.

    Returns:
        By modality, each module's dim of a frame, its number of units, and the
        number of all units of the modality, by whose root outputs are divided.

    Raises:
        ValueError: If the variant is unknown.
    """
    if variant not in ("loop", "batched"):
        raise ValueError(
            "A peer expects variant to be 'loop' or 'batched'. Received: "
            f"variant={variant!r}. 'batched' is the faster one."
        )
    return {
        name: [(dim, 1, units)] * units
        if variant == "loop"
        else [(dim, units, units)]
        for name, (dim, units) in setting.modalities.items()
    }
