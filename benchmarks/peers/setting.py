"""Settings of the benchmarks: sizes of a model and how it is trained."""

import dataclasses
from collections.abc import Mapping

import numpy as np

MODES = ("forward", "gradients", "step")  # methods that are timed
PARTS = ("kernel", "alpha", "beta")  # weights of a cluster
OPTIMIZERS = ("rmsprop", "adam", "sgd")
# The defaults of Keras; those of PyTorch and PaddlePaddle differ.
RMSPROP_DECAY = 0.9
EPSILON = 1e-7


@dataclasses.dataclass(frozen=True)
class Setting:
    """Sizes of the classifier of Figure 2 and settings of its training.

    Attributes:
        batch_size: Clips in a step.
        num_frames: Frames of every clip and modality.
        modalities: Mapping from modality to `(dim, num_units)`.
        num_classes: Number of classes; a clip has one.
        dropout: Fraction of the global feature that is dropped in training.
        clip_norm: Largest global L2 norm of the gradients; 0 does not clip.
        optimizer: `"rmsprop"`, `"adam"` or `"sgd"` (without momentum).
        learning_rate: Learning rate of all weights.
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
    def dims(self) -> dict[str, int]:
        """Mapping from modality to dim."""
        return {name: dim for name, (dim, _) in self.modalities.items()}

    @property
    def num_units(self) -> dict[str, int]:
        """Mapping from modality to number of units."""
        return {name: units for name, (_, units) in self.modalities.items()}

    @property
    def sizes(self) -> tuple[dict[str, int], dict[str, int], int]:
        """Sizes of `cluster_classifier`: dims, units and number of classes."""
        return self.dims, self.num_units, self.num_classes

    @property
    def width(self) -> int:
        """Size of the global feature, all units of all modalities."""
        return sum(dim * units for dim, units in self.modalities.values())

    def weight_shapes(self) -> dict[str, tuple[int, ...]]:
        """Returns the shape of every weight by name.

        A modality has `NAME/kernel` with one column per unit, `NAME/alpha` and
        `NAME/beta`. The global feature concatenates the modalities in the order
        of `modalities`, and the units of each.
        """
        shapes = {}
        for name, (dim, num_units) in self.modalities.items():
            sizes = (dim, num_units), (num_units,), (num_units,)
            for part, shape in zip(PARTS, sizes, strict=True):
                shapes[f"{name}/{part}"] = shape
        shapes["classifier/kernel"] = (self.width, self.num_classes)
        shapes["classifier/bias"] = (self.num_classes,)
        return shapes


# As in trainers/flags, but with one learning rate and, for YouTube-8M, one
# label per clip. Flash-MNIST uses all 25 frames.
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
    """Draws initial weights in float32, as the package's layers do."""
    rng = np.random.default_rng(seed)
    weights = {}
    for name, shape in setting.weight_shapes().items():
        if name.endswith("/alpha"):
            value = np.ones(shape, "float32")
        elif name.endswith("/beta"):
            value = 0.5 * rng.standard_normal(shape, "float32")
        elif name.endswith("/bias"):
            value = np.zeros(shape, "float32")
        else:  # Glorot uniform for the classifier, LeCun for the scores.
            spread = sum(shape) if name == "classifier/kernel" else 2 * shape[0]
            limit = np.float32(np.sqrt(6 / spread))
            value = limit * (2 * rng.random(shape, "float32") - 1)
        weights[name] = value
    return weights


def draw_batch(
    setting: Setting, seed: int
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Draws a batch of random clips.

    Returns:
        float32 features `(batch_size, num_frames, dim)` by modality, and int32
        labels `(batch_size,)`.
    """
    rng = np.random.default_rng(seed)
    clips = (setting.batch_size, setting.num_frames)
    features = {
        name: rng.standard_normal((*clips, dim), "float32")
        for name, dim in setting.dims.items()
    }
    labels = rng.integers(0, setting.num_classes, setting.batch_size)
    return features, labels.astype("int32")


def add_num_frames(setting: Setting, features: Mapping) -> dict:
    """Adds the inputs `NAME_num_frames` of the package's models to features."""
    num_clips = len(next(iter(features.values())))
    count = np.full(num_clips, setting.num_frames, np.int32)
    return {**features, **{f"{name}_num_frames": count for name in features}}


def check_weights(setting: Setting, weights: Mapping[str, np.ndarray]):
    """Raises `ValueError` if weights have other names or shapes."""
    shapes = {name: value.shape for name, value in weights.items()}
    _compare("weights", setting.weight_shapes(), shapes)


def check_batch(
    setting: Setting, features: Mapping[str, np.ndarray], labels: np.ndarray
):
    """Raises `ValueError` if a batch has other modalities or shapes."""
    clips = (setting.batch_size, setting.num_frames)
    expected = {name: (*clips, dim) for name, dim in setting.dims.items()}
    shapes = {name: value.shape for name, value in features.items()}
    _compare("features", expected, shapes)
    _compare("labels", {"labels": clips[:1]}, {"labels": np.shape(labels)})


def _compare(what, expected, received):
    if expected != received:
        raise ValueError(
            f"A peer expects {what} of the shapes {expected}. Received: "
            f"{what}={received}. Draw them for the setting of the peer."
        )
