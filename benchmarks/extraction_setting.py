"""What the extraction's benchmark takes from a media file."""

import dataclasses
import os
import pathlib

from ac_keras.extraction.backbones.dataset_backbones import BackboneChoice
from ac_keras.extraction.backbones.dataset_backbones import input_side
from ac_keras.extraction.extract import extract_files
from ac_keras.extraction.media.frame_times import EqualIntervals
from ac_keras.extraction.plan import AudioPlan
from ac_keras.extraction.plan import ExtractionPlan
from ac_keras.extraction.plan import FlowPlan
from ac_keras.extraction.plan import RgbPlan

MODALITIES = ("rgb", "flow", "audio")


@dataclasses.dataclass(frozen=True)
class Setting:
    """Modalities, backbones and sizes.

    Attributes:
        backbones: Those of RGB, flow and sound.
        crop: Side of the square, in pixels; None for what the RGB backbone
            takes.
        num_frames: Frames of a clip.
    """

    backbones: list[str]
    crop: int | None
    num_frames: int

    @property
    def choices(self) -> dict[str, BackboneChoice]:
        """The backbones by modality."""
        sources = zip(MODALITIES, self.backbones, strict=True)
        return {name: BackboneChoice(source) for name, source in sources}

    def make_plan(self, method: str) -> ExtractionPlan:
        """Plans an extraction with a way to find optical flow."""
        crop = self.crop or input_side(self.choices["rgb"])
        sides = (round(crop * 8 / 7), crop)
        modalities = {
            "rgb": RgbPlan(*sides),
            "flow": FlowPlan(*sides, method=method),
            "audio": AudioPlan(),
        }
        return ExtractionPlan(EqualIntervals(self.num_frames), modalities)

    def begin(
        self, folder: pathlib.Path, videos: pathlib.Path, rows, method: str
    ):
        """Begins a dataset of some clips."""
        return extract_files(
            folder,
            videos,
            {"train": rows},
            self.make_plan(method),
            self.choices,
            name="stages",
            class_names=None,
            dtype="float32",
            clips_per_shard=max(1, len(rows) // (4 * os.cpu_count())),
            seed=0,
            settings={},
        )
