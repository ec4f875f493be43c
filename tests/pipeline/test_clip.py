"""A clip's record: its layout, its way back, and the errors on the way."""

import re

import numpy as np
import pytest

from ac_keras.pipeline import Clip
from ac_keras.pipeline import decode_clip
from ac_keras.pipeline import encode_clip
from support.records.drawn_dataset import THREE
from support.records.drawn_dataset import describe
from support.records.drawn_dataset import draw_clips
from support.records.drawn_dataset import expected_features
from support.records.plain_records import make_example
from support.records.plain_records import pack
from support.records.plain_records import serialize

FRAMES = np.array([[1, 2, 3], [4.5, -0.0, 1e-45]], "float32")


def make_clip(labels=(2,), **frames):
    return Clip("c7", labels, frames or {"rgb": FRAMES})


@pytest.mark.parametrize("labels", [(), (3,), (3, 0, 2)])
@pytest.mark.parametrize("absent", [(), ("audio", "flow")])
def test_a_record_has_all_labels_and_bytes_in_each_modalitys_dtype(
    labels, absent
):
    description = describe(THREE, multi_label=True)
    frames = {
        "rgb": FRAMES,
        "audio": np.array([[0.5, -2.0]], "float16"),
        "flow": np.array([[1, 2, 3, 255]], np.uint8),
    }
    stored = {
        "rgb": pack(FRAMES),
        "audio": pack(frames["audio"], "e"),
        "flow": bytes((1, 2, 3, 255)),
    }
    for name in absent:
        del frames[name]
        stored[name] = b""
    id = "Hürden/№ 1"  # stored as UTF-8
    example = encode_clip(Clip(id, labels, frames), description)
    expected = make_example(id, labels, **stored)
    assert serialize(example) == serialize(expected)
    clip = decode_clip(example, description)
    assert (clip.id, clip.labels) == (id, labels)
    for name, modality in THREE.items():
        count = len(frames.get(name, ()))
        assert clip.frames[name].shape == (count, modality.dim)


@pytest.mark.parametrize("multi_label", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_a_clip_comes_back(seed, multi_label):
    description = describe(THREE, multi_label=multi_label)
    (clip,) = draw_clips(description, 1, seed)
    back = decode_clip(encode_clip(clip, description), description)
    assert (back.id, back.labels) == (clip.id, clip.labels)
    for name, modality in THREE.items():
        expected = expected_features(clip, name, modality)
        np.testing.assert_allclose(back.frames[name], expected, atol=1e-6)
        if modality.dtype != "uint8":
            assert back.frames[name].tobytes() == clip.frames[name].tobytes()


BAD_CLIPS = {
    "several labels": (make_clip((0, 1)), "one label", "labels=(0, 1)"),
    "no label": (make_clip(()), "one label", "labels=()"),
    "a label too high": (make_clip((4,)), "from 0 to 3", "labels=(4,)"),
    "a negative label": (make_clip((-1,)), "from 0 to 3", "labels=(-1,)"),
    "unknown modality": (make_clip(depth=FRAMES), "['rgb']", "['depth']"),
    "wrong dim": (make_clip(rgb=FRAMES[:, :2]), "(num_frames, 3)", "(2, 2)"),
    "not a number": (
        make_clip(rgb=np.full_like(FRAMES, np.nan)),
        "finite",
        "frame 0",
    ),
    "a label twice of several": (
        make_clip((1, 3, 1)),
        "each label once",
        "(1, 3, 1)",
    ),
    "a high label of several": (
        make_clip((1, 4)),
        "from 0 to 3",
        "labels=(1, 4)",
    ),
}


@pytest.mark.parametrize("case", BAD_CLIPS)
def test_a_bad_clip_is_refused_by_its_id_and_fault(case):
    clip, expected, received = BAD_CLIPS[case]
    message = f"'c7'.*expects.*{re.escape(expected)}.*{re.escape(received)}"
    with pytest.raises(ValueError, match=message):
        encode_clip(clip, describe(multi_label=case.endswith("of several")))


def test_an_error_of_the_features_names_their_modality():
    clip = make_clip(rgb=FRAMES, audio=np.full((2, 2), 1e9))
    with pytest.raises(ValueError, match="'c7', modality 'audio'.*float16"):
        encode_clip(clip, describe(THREE))
