"""Compares two methods of optical flow, TV-L1 and DIS, on known motion.

    python benchmarks/flow_methods.py

The textures are sums of waves, evaluated at the position where a point came
from, so the motion is exact and nothing is interpolated. Both methods see the
same pairs of frames in turns. The error is the distance of a pixel's flow from
the true motion, in pixels per frame, and the difference is that between the
methods; a border of 16 pixels is left out. The ratio compares median processor
times of all cores in this run, which other work disturbs less than elapsed
time.
"""

import functools
import time

import numpy as np
from absl import flags

from ac_keras.extraction.inputs import optical_flow
from measurement import program
from measurement.timing import time_in_turns

INNER = np.s_[16:-16, 16:-16]
METHODS = ("tvl1", "dis")
LEVEL = 2 * optical_flow.BOUND / optical_flow.LEVELS  # pixels a frame

_HEIGHT = flags.DEFINE_integer("height", 256, "Frame height.", lower_bound=64)
_WIDTH = flags.DEFINE_integer("width", 340, "Frame width.", lower_bound=64)
_ROUNDS = flags.DEFINE_integer("rounds", 3, "Rounds.", lower_bound=1)
_NOISE = flags.DEFINE_float(
    "noise", 2.0, "Standard deviation of a frame's noise, in levels of gray."
)


def draw_texture(seed):
    """Returns a function from coordinates to gray: waves of 6 to 60 pixels."""
    rng = np.random.default_rng(seed)
    lengths = np.geomspace(6, 60, 48)
    angles, phases = rng.uniform(0, 2 * np.pi, (2, 48))
    along_x = 2 * np.pi * np.cos(angles) / lengths
    along_y = 2 * np.pi * np.sin(angles) / lengths

    def look(x, y):
        gray = np.full(x.shape, 127.5)
        for a, b, phase in zip(along_x, along_y, phases, strict=True):
            gray += 13 * np.cos(a * x + b * y + phase)
        return gray

    return look


def transform(zoom=1.0, degrees=0.0, x=0.0, y=0.0):
    """Returns a scene that moves as a whole, about its center."""
    turn = np.radians(degrees)
    along, across = zoom * np.cos(turn), zoom * np.sin(turn)
    # In homogeneous coordinates.
    matrix = np.array([[along, -across, x], [across, along, y], [0, 0, 1]])

    def scene(x, y):
        look = draw_texture(0)
        middle = x.mean(), y.mean()
        points = np.stack([x - middle[0], y - middle[1], np.ones_like(x)])
        to, came = (
            np.einsum("ij,jhw->ihw", m, points)[:2]
            for m in (matrix, np.linalg.inv(matrix))
        )
        motion = np.moveaxis(to - points[:2], 0, -1)
        second = look(came[0] + middle[0], came[1] + middle[1])
        return look(x, y), second, motion

    return scene


def two_motions(x, y):
    """Draws a disc that moves against its background."""
    looks = draw_texture(1), draw_texture(2)
    motions = np.array([[-1.5, 0.5], [4.0, 2.0]])
    middle, radius = (x.mean(), y.mean()), y.max() / 4

    def look(t):
        moved = [(x - t * u, y - t * v) for u, v in motions]
        far = np.hypot(moved[1][0] - middle[0], moved[1][1] - middle[1])
        ground, disc = (f(*at) for f, at in zip(looks, moved, strict=True))
        return np.where(far < radius, disc, ground), far < radius

    first, in_disc = look(0)
    return first, look(1)[0], motions[in_disc.astype(int)]


SCENES = {
    "0.4 pixels": transform(x=0.35, y=-0.2),
    "4 pixels": transform(x=3.3, y=-2.2),
    "15 pixels": transform(x=-12.4, y=8.6),
    "zoom of 3 %": transform(zoom=1.03),
    "rotation of 2 degrees": transform(degrees=2),
    "two motions": two_motions,
}


def make_pair(scene):
    """Draws two frames `(1, 2, height, width)` and their flow."""
    y, x = np.mgrid[: _HEIGHT.value, : _WIDTH.value].astype(float)
    *frames, motion = scene(x, y)
    rng = np.random.default_rng(3)
    frames = np.stack(frames) + rng.normal(0, _NOISE.value, (2, *x.shape))
    return np.rint(np.clip(frames, 0, 255)).astype(np.uint8)[None], motion


def distances(flow, other=0.0):
    """Formats the mean and the 95th percentile of the distance, in pixels."""
    distance = np.linalg.norm((flow - other)[INNER], axis=-1)
    return f"{distance.mean():.3f} ({np.percentile(distance, 95):.3f})"


def compare(scene):
    """Returns errors and times of both methods on a scene, as cells."""
    gray, motion = make_pair(scene)
    stacks = functools.partial(optical_flow.flow_stacks, gray)
    # OpenCV creates its objects at the first call.
    flows = {name: stacks(name)[0] for name in METHODS}
    seconds = time_in_turns(
        {name: functools.partial(stacks, name) for name in METHODS},
        _ROUNDS.value,
        warm_up=0,
        clock=time.process_time,
    )
    tvl1, dis = flows.values()
    encode = optical_flow.encode_flow
    codes = [encode(x)[INNER].astype(int) for x in (tvl1, dis)]
    times = [np.median(x) for x in seconds.values()]
    return [
        distances(motion),
        distances(tvl1, motion),
        distances(dis, motion),
        distances(tvl1, dis),
        f"{np.abs(codes[0] - codes[1]).mean():.2f}",
        *(f"{1000 * x:.2f}" for x in times),
        f"{times[0] / times[1]:.0f}",
    ]


def main(report):
    header = ["scene", "motion", "TV-L1 error", "DIS error", "difference"]
    header += ["levels", "TV-L1, ms", "DIS, ms", "time ratio"]
    report.add_table(
        f"Mean (95th percentile) in pixels per frame, {_WIDTH.value} x "
        f"{_HEIGHT.value} pixels, noise {_NOISE.value}; a level of stored "
        f"flow is {LEVEL:.3f}",
        header,
        [[name, *compare(scene)] for name, scene in SCENES.items()],
    )


if __name__ == "__main__":
    program.run(main)
