"""Compares the two ways to optical flow, TV-L1 and DIS, on known motion.

    python benchmarks/flow_methods.py

Textures move as is known to a fraction of a pixel: they are sums of waves,
looked at where a point came from, so that nothing is interpolated. Both
methods see the same pairs of frames, in turn, in this process. The error is
the distance of a pixel's flow from the truth, in pixels a frame, the
difference that between the methods; a border of 16 pixels is left out. The
ratio is of the median processor times of all cores in this run, which other
work on the machine disturbs less than the times that a clock shows.
"""

import json
import os
import pathlib
import time
from importlib import metadata

import numpy as np
from absl import app
from absl import flags

from ac_keras.extraction.inputs import optical_flow

INNER = np.s_[16:-16, 16:-16]
METHODS = ("tvl1", "dis")
LEVEL = 2 * optical_flow.BOUND / optical_flow.LEVELS  # pixels a frame

_HEIGHT = flags.DEFINE_integer("height", 256, "Of a frame.", lower_bound=64)
_WIDTH = flags.DEFINE_integer("width", 340, "Of a frame.", lower_bound=64)
_ROUNDS = flags.DEFINE_integer("rounds", 3, "Rounds.", lower_bound=1)
_NOISE = flags.DEFINE_float(
    "noise", 2.0, "Standard deviation of a frame's noise, in levels of gray."
)
_OUTPUT = flags.DEFINE_string("output", None, "JSON file for the figures.")


def draw_texture(seed):
    """Gives a function from coordinates to gray: waves of 6 to 60 pixels."""
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


def transform(matrix):
    """A scene that is moved as a whole, about its middle."""

    def scene(x, y):
        look = draw_texture(0)
        middle = x.mean(), y.mean()
        came = np.linalg.inv(matrix)
        points = np.stack([x - middle[0], y - middle[1], np.ones_like(x)])
        to_x, to_y = np.einsum("ij,jhw->ihw", matrix, points)[:2]
        from_x, from_y = np.einsum("ij,jhw->ihw", came, points)[:2]
        motion = np.stack([to_x - points[0], to_y - points[1]], axis=-1)
        second = look(from_x + middle[0], from_y + middle[1])
        return look(x, y), second, motion

    return scene


def two_motions(x, y):
    """A disc that moves over a ground that moves the other way."""
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


def affine(zoom=1.0, degrees=0.0, x=0.0, y=0.0):
    """The matrix of a motion, in homogeneous coordinates."""
    turn = np.radians(degrees)
    along, across = zoom * np.cos(turn), zoom * np.sin(turn)
    return np.array([[along, -across, x], [across, along, y], [0, 0, 1]])


SCENES = {
    "0.4 pixels": transform(affine(x=0.35, y=-0.2)),
    "4 pixels": transform(affine(x=3.3, y=-2.2)),
    "15 pixels": transform(affine(x=-12.4, y=8.6)),
    "zoom of 3 %": transform(affine(zoom=1.03)),
    "turn of 2 degrees": transform(affine(degrees=2)),
    "two motions": two_motions,
}


def make_pair(scene):
    """Two frames `(1, 2, height, width)` and their flow."""
    y, x = np.mgrid[: _HEIGHT.value, : _WIDTH.value].astype(float)
    *frames, motion = scene(x, y)
    rng = np.random.default_rng(3)
    frames = np.stack(frames) + rng.normal(0, _NOISE.value, (2, *x.shape))
    return np.rint(np.clip(frames, 0, 255)).astype(np.uint8)[None], motion


def distances(flow, other):
    """Mean and 95th percentile of the distance, in pixels."""
    distance = np.linalg.norm((flow - other)[INNER], axis=-1)
    return {
        "mean": round(float(distance.mean()), 4),
        "p95": round(float(np.percentile(distance, 95)), 4),
    }


def compare(scene):
    """Errors and times of both methods on a scene."""
    gray, motion = make_pair(scene)
    seconds, flows = {name: [] for name in METHODS}, {}
    for name in METHODS:  # Makes OpenCV's objects.
        optical_flow.flow_stacks(gray[..., :64, :64], name)
    for _ in range(_ROUNDS.value):
        for name in METHODS:
            start = time.process_time()
            flows[name] = optical_flow.flow_stacks(gray, name)[0]
            seconds[name].append(time.process_time() - start)
    codes = [
        optical_flow.encode_flow(flows[name])[INNER].astype(int)
        for name in METHODS
    ]
    return {
        "motion": distances(motion, np.zeros(2)),
        **{f"{name}_error": distances(flows[name], motion) for name in METHODS},
        "difference": distances(flows["tvl1"], flows["dis"]),
        "levels_apart": round(float(np.abs(codes[0] - codes[1]).mean()), 3),
        "processor_ms": {
            name: round(1000 * float(np.median(x)), 2)
            for name, x in seconds.items()
        },
        "ratio": round(
            float(np.median(seconds["tvl1"]) / np.median(seconds["dis"])), 1
        ),
    }


def print_row(name, row):
    cells = [f"{row['motion']['mean']:.2f}"]
    for key in ("tvl1_error", "dis_error", "difference"):
        cells.append(f"{row[key]['mean']:.3f} ({row[key]['p95']:.3f})")
    cells += [f"{row['levels_apart']:.2f}", f"{row['ratio']:.0f}"]
    print(f"| {name} |", " | ".join(cells), "|", flush=True)


def main(argv):
    del argv
    load = os.getloadavg()[0]
    version = metadata.version("opencv-contrib-python-headless")
    size = f"{_WIDTH.value} x {_HEIGHT.value}"
    print(f"OpenCV {version}, {size} pixels; {os.cpu_count()} CPUs,", end=" ")
    print(f"load {load:.2f}. Mean (95th percentile), in pixels; a level of")
    print(f"stored flow is {LEVEL:.3f}. Ratio: time of TV-L1 to that of DIS.\n")
    print("| scene | motion | TV-L1 | DIS | apart | levels | ratio |")
    print("|---|---|---|---|---|---|---|")
    rows = {}
    for name, scene in SCENES.items():
        rows[name] = compare(scene)
        print_row(name, rows[name])
    if _OUTPUT.value:
        report = {"opencv": version, "size": size, "noise": _NOISE.value}
        report |= {"cpus": os.cpu_count(), "load": load, "scenes": rows}
        pathlib.Path(_OUTPUT.value).write_text(json.dumps(report, indent=1))


if __name__ == "__main__":
    app.run(main)
