"""What is measured: the sizes of a model and how it is trained."""

import dataclasses
from collections.abc import Mapping

import numpy as np

MODES = ("forward", "gradients", "step")  # methods that are timed
PARTS = ("kernel", "alpha", "beta")  # weights of a cluster
OPTIMIZERS = ("rmsprop", "adam", "sgd")
# Those of Keras; PyTorch and PaddlePaddle have others unless told.
RMSPROP_DECAY = 0.9
EPSILON = 1e-7


@dataclasses.dataclass(frozen=True)
class Setting:
    """Sizes of the classifier of Figure 2, and how it is trained.

    Attributes:
        batch_size: Clips in a step.
        num_frames: Frames of every clip and modality.
        modalities: From a modality's name to its dim and number of units.
        num_classes: Classes, one of which is a clip's.
        dropout: Share of the global feature that is dropped in training.
        clip_norm: Highest L2 norm of all gradients together; 0 does not clip.
        optimizer: `"rmsprop"`, `"adam"` or `"sgd"`, the last without momentum.
        learning_rate: Of every weight.
    """

    batch_size: int
    num_frames: int
    modalities: Mapping[str, tuple[int, int]]
    num_classes: int
    dropout: float = 0.5
    clip_norm: float = 5.0
    optimizer: str = "rmsprop"
    learning_rate: float = 0.001

    def __post_init__(self):
        if self.optimizer not in OPTIMIZERS:
            raise ValueError(
                f"Setting expects optimizer to be one of {OPTIMIZERS}. "
                f"Received: optimizer={self.optimizer!r}. The paper's Kinetics "
                "model takes 'rmsprop'."
            )

    @property
    def width(self) -> int:
        """Size of the global feature, all units of all modalities."""
        return sum(dim * units for dim, units in self.modalities.values())

    def weight_shapes(self) -> dict[str, tuple[int, ...]]:
        """Gives every weight's shape by its name.

        A modality has `NAME/kernel`, a unit a column, `NAME/alpha` and
        `NAME/beta`. The global feature holds modality after modality, in the
        order of `modalities`, and within each unit after unit.
        """
        shapes = {}
        for name, (dim, num_units) in self.modalities.items():
            sizes = (dim, num_units), (num_units,), (num_units,)
            for part, shape in zip(PARTS, sizes, strict=True):
                shapes[f"{name}/{part}"] = shape
        shapes["classifier/kernel"] = (self.width, self.num_classes)
        shapes["classifier/bias"] = (self.num_classes,)
        return shapes


# Of trainers/flags, but with one learning rate and, for YouTube-8M, one label a
# clip. Flash-MNIST takes all 25 frames.
FLASH_MNIST = Setting(
    batch_size=256,
    num_frames=25,
    modalities={"rgb": (50, 32)},
    num_classes=1024,
    clip_norm=0.0,
    optimizer="adam",
)
KINETICS = Setting(
    batch_size=64,
    num_frames=20,
    modalities={"rgb": (1536, 64), "flow": (1536, 32), "audio": (512, 32)},
    num_classes=400,
    dropout=0.9,
)
YOUTUBE8M = Setting(
    batch_size=512,
    num_frames=25,
    modalities={"rgb": (1024, 64), "audio": (128, 32)},
    num_classes=3862,
)

SETTINGS = {
    "flash_mnist": FLASH_MNIST,
    "kinetics": KINETICS,
    "youtube8m": YOUTUBE8M,
}


def draw_weights(setting: Setting, seed: int) -> dict[str, np.ndarray]:
    """Draws weights as the package's layers start with, in float32."""
    rng = np.random.default_rng(seed)
    weights = {}
    for name, shape in setting.weight_shapes().items():
        if name.endswith("/alpha"):
            value = np.ones(shape, "float32")
        elif name.endswith("/beta"):
            value = 0.5 * rng.standard_normal(shape, "float32")
        elif name.endswith("/bias"):
            value = np.zeros(shape, "float32")
        else:  # Glorot's for the classifier, LeCun's for the scores.
            spread = sum(shape) if name == "classifier/kernel" else 2 * shape[0]
            limit = np.float32(np.sqrt(6 / spread))
            value = limit * (2 * rng.random(shape, "float32") - 1)
        weights[name] = value
    return weights


def draw_batch(
    setting: Setting, seed: int
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Draws a batch.

    Returns:
        float32 features `(batch_size, num_frames, dim)` by modality, and int32
        labels `(batch_size,)`.
    """
    rng = np.random.default_rng(seed)
    clips = (setting.batch_size, setting.num_frames)
    features = {
        name: rng.standard_normal((*clips, dim), "float32")
        for name, (dim, _) in setting.modalities.items()
    }
    labels = rng.integers(0, setting.num_classes, setting.batch_size)
    return features, labels.astype("int32")


def check_weights(setting: Setting, weights: Mapping[str, np.ndarray]):
    """Refuses weights that are not the setting's.

    Raises:
        ValueError: If a name or a shape does not fit.
    """
    shapes = {name: value.shape for name, value in weights.items()}
    _compare("weights", setting.weight_shapes(), shapes)


def check_batch(
    setting: Setting, features: Mapping[str, np.ndarray], labels: np.ndarray
):
    """Refuses a batch that is not the setting's.

    Raises:
        ValueError: If a modality or a shape does not fit.
    """
    clips = (setting.batch_size, setting.num_frames)
    expected = {
        name: (*clips, dim) for name, (dim, _) in setting.modalities.items()
    }
    shapes = {name: value.shape for name, value in features.items()}
    _compare("features", expected, shapes)
    _compare("labels", {"labels": clips[:1]}, {"labels": np.shape(labels)})


def _compare(what, expected, received):
    if expected != received:
        raise ValueError(
            f"A peer expects {what} of the shapes {expected}. Received: "
            f"{what}={received}. Draw them for the peer's own setting."
        )
