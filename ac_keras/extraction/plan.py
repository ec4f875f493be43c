"""What is taken from a video file: which frames, which modalities, and how."""

import dataclasses
from typing import Any

from ac_keras.extraction.media.frame_times import EqualIntervals
from ac_keras.extraction.media.frame_times import FrameRate
from ac_keras.extraction.media.frame_view import FrameView
from ac_keras.pipeline import Description

NO_BACKBONE = "none"  # what would go into a backbone is kept
PATCH_SHAPE = (96, 64, 1)  # steps of 10 ms, mel bands


@dataclasses.dataclass(frozen=True)
class RgbPlan:
    """Frames as pixels.

    Attributes:
        resize: The shorter side after scaling, in pixels.
        crop: The side of the square that is cut out of the centre.
    """

    resize: int
    crop: int

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """The shape of what is made of a frame."""
        return (self.crop, self.crop, 3)

    @property
    def input_dtype(self) -> str:
        """Its dtype."""
        return "uint8"

    @property
    def view(self) -> FrameView:
        """How the file's frames are read for it."""
        return FrameView(self.resize, self.crop)


@dataclasses.dataclass(frozen=True)
class FlowPlan:
    """Stacks of optical flow, horizontal and vertical in turns.

    Attributes:
        resize: The shorter side at which flow is computed, in pixels.
        crop: The side of the square that is cut out of the centre.
        stack_length: Pairs of consecutive frames in a stack.
        method: `"tvl1"` or `"dis"`.
        bound: Flow is clipped to `-bound` and `bound`, in pixels a frame,
            which the bytes 0 and 255 stand for.
    """

    resize: int
    crop: int
    stack_length: int = 5
    method: str = "tvl1"
    bound: float = 20.0

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """The shape of what is made of a frame."""
        return (self.crop, self.crop, 2 * self.stack_length)

    @property
    def input_dtype(self) -> str:
        """Its dtype."""
        return "uint8"

    @property
    def view(self) -> FrameView:
        """How the file's frames are read for it.

        They are not cropped yet: motion across the square's border is seen.
        """
        return FrameView(self.resize, None, "gray", self.stack_length + 1)


@dataclasses.dataclass(frozen=True)
class AudioPlan:
    """Patches of log-mel bands, 0.96 s each.

    Attributes:
        patch_step: Steps of 10 ms from one patch to the next.
    """

    patch_step: int = 96

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """The shape of a patch."""
        return PATCH_SHAPE

    @property
    def input_dtype(self) -> str:
        """Its dtype."""
        return "float32"


PLANS = {"rgb": RgbPlan, "flow": FlowPlan, "audio": AudioPlan}
CHOICES = {"equal_intervals": EqualIntervals, "frame_rate": FrameRate}
ModalityPlan = RgbPlan | FlowPlan | AudioPlan


@dataclasses.dataclass(frozen=True)
class ExtractionPlan:
    """What is taken from every file.

    Attributes:
        choice: Which frames; of RGB and flow alike.
        modalities: Mapping from `"rgb"`, `"flow"` and `"audio"`, or some of
            them, to how each is made.

    Raises:
        ValueError: If there is no modality, or an unknown one.
    """

    choice: EqualIntervals | FrameRate
    modalities: dict[str, ModalityPlan]

    def __post_init__(self):
        unknown = sorted(set(self.modalities) - set(PLANS))
        if unknown or not self.modalities:
            raise ValueError(
                f"ExtractionPlan expects modalities among {sorted(PLANS)}. "
                f"Received: {unknown or 'none'}. Name one or more."
            )

    @property
    def views(self) -> dict[str, FrameView]:
        """How frames are read for each modality that has some."""
        return {
            name: plan.view
            for name, plan in self.modalities.items()
            if name != "audio"
        }

    def to_json(self) -> dict[str, Any]:
        """The plan as JSON values."""
        ((kind, _),) = [
            item for item in CHOICES.items() if isinstance(self.choice, item[1])
        ]
        return {
            "frames": {"kind": kind, **dataclasses.asdict(self.choice)},
            "modalities": {
                name: dataclasses.asdict(plan)
                for name, plan in self.modalities.items()
            },
        }

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "ExtractionPlan":
        """Reads what `to_json` gave."""
        frames = dict(values["frames"])
        return cls(
            CHOICES[frames.pop("kind")](**frames),
            {
                name: PLANS[name](**plan)
                for name, plan in values["modalities"].items()
            },
        )


SETTING = "extraction"  # of a description's settings


def plan_of(description: Description) -> ExtractionPlan:
    """Reads from a dataset's description how it was extracted.

    Raises:
        ValueError: If it was not extracted from media files.
    """
    if SETTING not in description.settings:
        raise ValueError(
            "Expected a dataset that data/videos/extract_features.py wrote. "
            f"Received: {description.name!r}, whose manifest tells of no "
            "media files. Extract one."
        )
    return ExtractionPlan.from_json(description.settings[SETTING]["plan"])


def input_shape_of(
    description: Description, modality: str
) -> tuple[int, int, int]:
    """Tells the shape of a modality's inputs in a dataset that keeps them.

    Raises:
        ValueError: If it does not.
    """
    plan = plan_of(description)
    backbones = description.settings[SETTING]["backbones"]
    kept = [name for name, x in backbones.items() if x["source"] == NO_BACKBONE]
    if modality not in kept:
        raise ValueError(
            f"Expected a dataset that keeps inputs of {modality}. Received: "
            f"{description.name!r}, which keeps those of {kept or 'none'}. "
            f"Extract one with --{modality}_backbone={NO_BACKBONE}."
        )
    return plan.modalities[modality].input_shape
