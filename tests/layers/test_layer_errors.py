"""Error messages of the layers for invalid arguments and inputs."""

import functools

import numpy as np
import pytest

from ac_keras import AttentionCluster
from ac_keras import AttentionUnit
from ac_keras import FrameMask
from ac_keras import MultimodalCluster
from ac_keras import ShiftingCluster
from support.error_parts import error_parts
from support.layers.random_clips import draw_frames

MODALITIES = "['rgb', 'audio', 'flow']"
WEIGHTINGS = "('average', 'fc1', 'fc2')"
FRAMES = draw_frames(0)
CLIPS = {name: FRAMES for name in ("rgb", "audio", "flow")}
MASK = np.ones((4, 6), bool)
AXES = "(batch, num_frames, dim)"


def pool_modalities(frames=CLIPS, mask=None, **kwargs):
    layer = MultimodalCluster({"rgb": 3, "audio": 2, "flow": 4}, **kwargs)
    return layer(frames, mask=mask)


@pytest.mark.parametrize("cluster", [AttentionCluster, ShiftingCluster])
@pytest.mark.parametrize("argument", ["num_units", "hidden_units"])
@pytest.mark.parametrize("value", [0, -1, 2.0, "8", None])
def test_sizes_are_integers_of_one_or_more(cluster, argument, value):
    message = error_parts(
        f"{argument} to be an integer of 1 or more",
        f"{argument}={value!r}",
        ". ",
    )
    with pytest.raises(ValueError, match=message):
        cluster(**{"num_units": 2, argument: value})


@pytest.mark.parametrize(
    "call",
    [
        AttentionCluster(2),
        ShiftingCluster(2),
        AttentionUnit(),
        lambda clip: FrameMask()(clip, np.array([1])),
        lambda clip: MultimodalCluster({"rgb": 2})({"rgb": clip}),
    ],
)
def test_a_clip_without_batch_axis_is_told_how_to_get_one(call):
    message = error_parts(AXES, "shape=(6, 5)", "frames[None]")
    with pytest.raises(ValueError, match=message):
        call(FRAMES[0])


@pytest.mark.parametrize("make", [lambda: AttentionCluster(2), AttentionUnit])
@pytest.mark.parametrize("shape", [(4,), (4, 5), (3, 6), (4, 6, 1)])
def test_a_mask_of_another_shape_points_to_frame_mask(make, shape):
    message = error_parts(
        "(batch, num_frames) = (4, 6)", f"shape={shape}", "FrameMask"
    )
    with pytest.raises(ValueError, match=message):
        make()(FRAMES, mask=np.ones(shape, bool))


UNKNOWN = (WEIGHTINGS, "weighting='fc3'", "")
INVALID = {
    **{
        f"counts {counts.shape} {counts.dtype}": (
            functools.partial(FrameMask(), FRAMES, counts),
            "integers of shape (batch,)",
            f"shape={counts.shape}, dtype={counts.dtype}",
            ". ",
        )
        for counts in (
            np.ones((4, 1), "int32"),
            np.ones((), "int32"),
            np.ones(4, "float32"),
        )
    },
    **{
        f"counts of {batch} clips": (
            functools.partial(FrameMask(), FRAMES, np.ones(batch, "int32")),
            "(batch,)",
            f"shape=({batch},)",
            ". ",
        )
        for batch in (1, 3)
    },
    "weighting of a cluster": (lambda: AttentionCluster(2, "fc3"), *UNKNOWN),
    "weighting that shifts": (lambda: ShiftingCluster(2, "fc3"), *UNKNOWN),
    "weighting of a unit": (lambda: AttentionUnit("fc3"), *UNKNOWN),
    "four axes": (
        lambda: AttentionCluster(2)(np.ones((2, 6, 5, 3), "float32")),
        AXES,
        "(2, 6, 5, 3)",
        ". ",
    ),
    "unknown dim": (
        lambda: AttentionCluster(2).build((None, None, None)),
        "last dimension is known",
        "shape=(None, None, None)",
        "keras.Input((None, 1024))",
    ),
    "integer frames": (
        lambda: AttentionCluster(2)(np.ones((2, 6, 5), "uint8")),
        "floating",
        "dtype=uint8",
        "Convert them",
    ),
    "no modality": (
        lambda: MultimodalCluster({}),
        "at least one modality",
        "clusters={}",
        '{"rgb": 64',
    ),
    "missing modality": (
        lambda: pool_modalities({"flow": FRAMES, "rgb": FRAMES}),
        MODALITIES,
        "['flow', 'rgb']",
        "fully masked",
    ),
    "unknown modality": (
        lambda: pool_modalities({**CLIPS, "depth": FRAMES}),
        MODALITIES,
        "['audio', 'depth', 'flow', 'rgb']",
        "fully masked",
    ),
    "frames that are no dict": (
        lambda: pool_modalities(FRAMES),
        "a dict of frames",
        "",
        "fully masked",
    ),
    "mask of an unknown modality": (
        lambda: pool_modalities(mask={"depth": MASK}),
        MODALITIES,
        "['depth']",
        ". ",
    ),
    "mask that is no dict": (
        lambda: pool_modalities(mask=MASK),
        "a dict",
        "",
        ". ",
    ),
    "mean of an unknown modality": (
        lambda: pool_modalities(mean_features={"depth": np.ones(4)}),
        MODALITIES,
        "['depth']",
        ". ",
    ),
    "mean of another dim": (
        lambda: pool_modalities(mean_features={"rgb": np.ones(4)}),
        "'rgb' in shape (5,)",
        "shape=(4,)",
        ". ",
    ),
}


@pytest.mark.parametrize("case", INVALID)
def test_what_is_invalid_is_named_with_its_fix(case):
    call, *parts = INVALID[case]
    with pytest.raises(ValueError, match=error_parts(*parts)):
        call()
