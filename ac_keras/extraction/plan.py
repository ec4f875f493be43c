"""Extraction plan: the frames and modalities that are read from a file."""

import dataclasses
from typing import Any

from ac_keras.extraction.media.frame_times import EqualIntervals
from ac_keras.extraction.media.frame_times import FrameRate
from ac_keras.extraction.media.frame_view import FrameView
from ac_keras.pipeline import Description

NO_BACKBONE = "none"  # the backbone's inputs are stored instead of features
PATCH_SHAPE = (96, 64, 1)  # steps of 10 ms, mel bands, one channel
SETTING = "extraction"  # key in a description's settings


@dataclasses.dataclass(frozen=True)
class RgbPlan:
    """RGB frames as pixels.

    Attributes:
        resize: Length of the shorter side after scaling, in pixels.
        crop: Side of the square cut out of the center, in pixels.
    """

    resize: int
    crop: int
    input_dtype = "uint8"

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Shape of the backbone's input for one frame."""
        return (self.crop, self.crop, 3)

    @property
    def view(self) -> FrameView:
        """The `FrameView` with which the file's frames are read."""
        return FrameView(self.resize, self.crop)


@dataclasses.dataclass(frozen=True)
class FlowPlan:
    """Stacks of optical flow, alternately horizontal and vertical.

    Attributes:
        resize: Length of the shorter side at which flow is computed, in pixels.
        crop: Side of the square cut out of the center, in pixels.
        stack_length: Number of pairs of consecutive frames in a stack.
        method: `"tvl1"` or `"dis"`.
        bound: Flow is clipped to `-bound` and `bound`, in pixels per frame,
            which are encoded as the bytes 0 and 255.
    """

    resize: int
    crop: int
    stack_length: int = 5
    method: str = "tvl1"
    bound: float = 20.0
    input_dtype = "uint8"

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Shape of the backbone's input for one stack."""
        return (self.crop, self.crop, 2 * self.stack_length)

    @property
    def view(self) -> FrameView:
        """The `FrameView` with which the file's frames are read.

        It does not crop: flow also depends on pixels outside of the square.
        """
        return FrameView(self.resize, None, "gray", self.stack_length + 1)


@dataclasses.dataclass(frozen=True)
class AudioPlan:
    """Log-mel patches of 0.96 s each.

    Attributes:
        patch_step: Steps of 10 ms from one patch to the next.
    """

    patch_step: int = 96
    sample_rate = 16_000  # Hz
    input_dtype = "float32"
    input_shape = PATCH_SHAPE


@dataclasses.dataclass(frozen=True)
class WaveformPlan:
    """Windows of the waveform, for audio backbones that take samples.

    Attributes:
        window: Samples of a window.
        step: Samples from the start of one window to the next.
        sample_rate: Samples per second, in Hz.
        padding: Samples of silence before and after a clip. Half a window has
            a window centered on each part of the clip, also of a short one.
    """

    window: int
    step: int
    sample_rate: int = 16_000
    padding: int = 0
    input_dtype = "float32"

    @property
    def input_shape(self) -> tuple[int]:
        """Shape of the backbone's input for one window."""
        return (self.window,)


ModalityPlan = RgbPlan | FlowPlan | AudioPlan | WaveformPlan

_MODALITY_PLANS = {"rgb": RgbPlan, "flow": FlowPlan, "audio": AudioPlan}
_CHOICES = {"equal_intervals": EqualIntervals, "frame_rate": FrameRate}
# Names of a choice's arguments in manifests, where they differ.
_STORED_NAMES = {"max_num_frames": "max_frames"}


@dataclasses.dataclass(frozen=True)
class ExtractionPlan:
    """The frames and modalities that are read from each file.

    Attributes:
        choice: Choice of the frames, the same for RGB and flow.
        modalities: Mapping from `"rgb"`, `"flow"` and `"audio"`, or some of
            them, to their plans.

    Raises:
        ValueError: If there is no modality, or an unknown one.
    """

    choice: EqualIntervals | FrameRate
    modalities: dict[str, ModalityPlan]

    def __post_init__(self):
        unknown = sorted(set(self.modalities) - set(_MODALITY_PLANS))
        if unknown or not self.modalities:
            raise ValueError(
                "ExtractionPlan expects modalities among "
                f"{sorted(_MODALITY_PLANS)}. Received: {unknown or 'none'}. "
                "Pass one or more."
            )

    @property
    def views(self) -> dict[str, FrameView]:
        """Mapping from the modalities that need frames to their views."""
        return {
            name: plan.view
            for name, plan in self.modalities.items()
            if name != "audio"
        }

    def select(self, names) -> "ExtractionPlan":
        """Returns the plan of some of the modalities, in the given order."""
        selected = {name: self.modalities[name] for name in names}
        return ExtractionPlan(self.choice, selected)

    def to_json(self) -> dict[str, Any]:
        """Returns the plan as JSON values."""
        ((kind, _),) = [
            x for x in _CHOICES.items() if isinstance(self.choice, x[1])
        ]
        arguments = dataclasses.asdict(self.choice)
        return {
            "frames": {
                "kind": kind,
                **{_STORED_NAMES.get(x, x): arguments[x] for x in arguments},
            },
            "modalities": {
                name: dataclasses.asdict(plan)
                for name, plan in self.modalities.items()
            },
        }

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "ExtractionPlan":
        """Builds a plan from the result of `to_json`."""
        frames = dict(values["frames"])
        choice = _CHOICES[frames.pop("kind")]
        names = {stored: name for name, stored in _STORED_NAMES.items()}
        return cls(
            choice(**{names.get(x, x): frames[x] for x in frames}),
            {
                name: _plan_class(name, plan)(**plan)
                for name, plan in values["modalities"].items()
            },
        )


def _plan_class(name, values):
    if name == "audio" and "window" in values:
        return WaveformPlan
    return _MODALITY_PLANS[name]


def plan_of(description: Description) -> ExtractionPlan:
    """Reads the plan of a dataset that was extracted from media files."""
    if SETTING not in description.settings:
        raise ValueError(
            "Expected a dataset that data/videos/extract_features.py wrote. "
            f"Received: {description.name!r}, whose manifest has no extraction "
            "plan. Extract a dataset from media files."
        )
    return ExtractionPlan.from_json(description.settings[SETTING]["plan"])


def input_shape_of(
    description: Description, modality: str
) -> tuple[int, int, int]:
    """Returns the shape of a modality's inputs in a dataset that stores them.

    Raises:
        ValueError: If the dataset does not store the modality's inputs.
    """
    plan = plan_of(description)
    backbones = description.settings[SETTING]["backbones"]
    kept = [name for name, x in backbones.items() if x["source"] == NO_BACKBONE]
    if modality not in kept:
        raise ValueError(
            f"Expected a dataset that stores inputs of {modality}. Received: "
            f"{description.name!r}, which stores those of {kept or 'none'}. "
            f"Extract one with --{modality}_backbone={NO_BACKBONE}."
        )
    return plan.modalities[modality].input_shape
