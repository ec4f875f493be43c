"""Training runs of full size, whose costs are told by those of few steps."""

import dataclasses

from peers.setting import FLASH_MNIST
from peers.setting import KINETICS
from peers.setting import Setting


@dataclasses.dataclass(frozen=True)
class Run:
    """A full-size run: its sizes, its clips, and steps to take in a block."""

    setting: Setting
    num_clips: int
    block: int

    @property
    def steps(self) -> int:
        """Steps in an epoch."""
        return self.num_clips // self.setting.batch_size


UCF101 = dataclasses.replace(
    KINETICS,
    num_frames=15,
    modalities={"rgb": (1536, 64), "flow": (1536, 32)},
    num_classes=101,
)
RUNS = {
    "Flash-MNIST": Run(FLASH_MNIST, 92_160, 20),
    "UCF-101": Run(UCF101, 9_537, 6),
    "Kinetics": Run(KINETICS, 246_000, 3),
}
