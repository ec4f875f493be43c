"""The classifier in PaddlePaddle: a loop over units, or batched units."""

import numpy as np

from peers import setting as settings

VARIANTS = ("loop", "batched")


class PaddleClusters:
    """The classifier in PaddlePaddle; its methods are timed.

    `forward`, `gradients` and `step` return when their work is done, as all
    calls do on a CPU. The constructor imports PaddlePaddle.

    Args:
        setting: Sizes and training.
        seed: Integer, the seed of initial weights and dropout.
        variant: `"loop"` over units, or `"batched"`.

    Raises:
        ValueError: If the variant is unknown.
    """

    def __init__(
        self, setting: settings.Setting, seed: int, variant: str = "batched"
    ):
        import paddle

        from peers import paddle_modules

        if variant not in VARIANTS:
            raise ValueError(
                f"PaddleClusters expects variant to be one of {VARIANTS}. "
                f"Received: variant={variant!r}. 'batched' is the faster one."
            )
        self.setting, self.paddle = setting, paddle
        paddle.seed(seed)
        self.model = paddle_modules.Classifier(setting, variant)
        self.optimizer = make_optimizer(setting, self.model.parameters())
        self.set_weights(settings.draw_weights(setting, seed))

    def set_weights(self, weights: dict[str, np.ndarray]):
        """Assigns weights, named as in `Setting.weight_shapes`."""
        settings.check_weights(self.setting, weights)
        for name, cluster in self.model.clusters.items():
            cluster.assign(*(weights[f"{name}/{x}"] for x in settings.PARTS))
        self.model.linear.weight.set_value(weights["classifier/kernel"])
        self.model.linear.bias.set_value(weights["classifier/bias"])

    def get_weights(self) -> dict[str, np.ndarray]:
        """Returns the weights, named as in `Setting.weight_shapes`."""
        weights = settings.read_clusters(self.model.clusters)
        weights["classifier/kernel"] = self.model.linear.weight.numpy()
        weights["classifier/bias"] = self.model.linear.bias.numpy()
        return weights

    def load_batch(self, features: dict[str, np.ndarray], labels: np.ndarray):
        """Converts the batch that the other methods use to tensors."""
        settings.check_batch(self.setting, features, labels)
        to_tensor = self.paddle.to_tensor
        self._features = {k: to_tensor(x) for k, x in features.items()}
        self._labels = to_tensor(labels.astype("int64"))

    def forward(self):
        """Computes the batch's probabilities, without dropout."""
        self._probabilities()

    def gradients(self):
        """Computes the gradients of the loss, with dropout."""
        self._backward()

    def step(self):
        """Updates the weights by one training step."""
        self._backward()
        self.optimizer.step()

    def probe(self) -> np.ndarray:
        """Returns the batch's probabilities `(batch_size, num_classes)`."""
        return self._probabilities().numpy()

    def _probabilities(self):
        self.model.eval()
        with self.paddle.no_grad():
            logits = self.model(self._features)
            return self.paddle.nn.functional.softmax(logits, axis=1)

    def _backward(self):
        self.model.train()
        self.optimizer.clear_grad(set_to_zero=False)
        logits = self.model(self._features)
        loss = self.paddle.nn.functional.cross_entropy(logits, self._labels)
        loss.backward()


def make_optimizer(setting: settings.Setting, weights):
    """Returns the setting's optimizer, which clips by the global norm."""
    import paddle

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
