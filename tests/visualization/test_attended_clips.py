"""attended_clips: the first clips that a model has right and wrong."""

import dataclasses

import numpy as np
import pytest

from ac_keras.models import attention_model
from ac_keras.pipeline import Clip
from ac_keras.pipeline import evaluation_batches
from ac_keras.visualization import AttendedClip
from ac_keras.visualization import attended_clips
from ac_keras.visualization import attended_clips as attended_clip
from support.visualization.preview_dataset import CLASS_NAMES
from support.visualization.preview_dataset import DIM
from support.visualization.preview_dataset import IMAGE
from support.visualization.preview_dataset import make_clip
from support.visualization.preview_dataset import make_pointing_model
from support.visualization.preview_dataset import write_dataset

# The model's answer is always the second class.
LABELS = (0, 1, 2, 1, 1, 0, 1, 0)


def pointed_clip(index, pointed, num_frames, labels, audio_frames=2):
    frames = np.zeros((num_frames, DIM), "float32")
    frames[pointed, 0] = 1
    audio = np.ones((audio_frames, DIM), "float32")
    return Clip(f"clip-{index}", labels, {"audio": audio, "rgb": frames})


CLIPS = [
    pointed_clip(index, index % 3, 3 + index, (label,), 2 * (index % 2))
    for index, label in enumerate(LABELS)
]


@pytest.fixture(scope="module")
def manifest(tmp_path_factory):
    return write_dataset(tmp_path_factory.mktemp("attended") / "r", CLIPS)


@pytest.fixture(scope="module")
def model():
    return make_pointing_model()


def batches_of(manifest, batch_size=3, **settings):
    return evaluation_batches(
        manifest, "test", batch_size=batch_size, with_ids=True, **settings
    )


def ids_of(clips):
    return [clip.id for clip in clips]


def test_the_first_right_and_the_first_wrong_clips_are_found(manifest, model):
    right, wrong = attended_clips(model, batches_of(manifest), CLASS_NAMES, 3)
    assert ids_of(right) == ["clip-1", "clip-3", "clip-4"]
    assert ids_of(wrong) == ["clip-0", "clip-2", "clip-5"]
    assert all(clip.right for clip in right)
    assert not any(clip.right for clip in wrong)
    assert [clip.labels for clip in wrong] == [("cat",), ("fox",), ("cat",)]


def test_fewer_clips_than_wanted_are_all_that_there_are(manifest, model):
    right, wrong = attended_clips(model, batches_of(manifest), CLASS_NAMES, 99)
    assert (len(right), len(wrong)) == (4, 4)


def test_predictions_are_the_probabilities_best_first(manifest, model):
    right, _ = attended_clips(model, batches_of(manifest), CLASS_NAMES, 1)
    names, scores = zip(*right[0].predictions, strict=True)
    e = np.exp(1)
    assert names[0] == "dog" and sorted(names) == ["cat", "dog", "fox"]
    np.testing.assert_allclose(
        scores, [e / (e + 2), 1 / (e + 2), 1 / (e + 2)], rtol=1e-5
    )


def test_padding_is_cut_off(manifest, model):
    right, wrong = attended_clips(model, batches_of(manifest), CLASS_NAMES, 4)
    for clip in (*right, *wrong):
        index = int(clip.id.removeprefix("clip-"))
        weights = clip.attention["rgb"]
        assert weights.shape == (2, 3 + index)
        expected = np.zeros(3 + index)
        expected[index % 3] = 1
        np.testing.assert_allclose(weights[0], expected, atol=1e-6)
        np.testing.assert_allclose(weights[1], 1 / (3 + index), atol=1e-6)
        assert clip.attention["audio"].shape == (2, 2 * (index % 2))


def test_no_more_batches_are_read_than_needed(manifest, model):
    read = []

    def watched():
        for batch in batches_of(manifest, 2).as_numpy_iterator():
            read.append(batch)
            yield batch

    attended_clips(model, watched(), CLASS_NAMES, 1)
    assert len(read) == 1
    read.clear()
    right, _ = attended_clips(model, watched(), CLASS_NAMES, 99, max_batches=2)
    assert len(read) == 2 and ids_of(right) == ["clip-1", "clip-3"]


def test_an_attention_model_is_not_made_again(manifest, model, monkeypatch):
    made = attention_model(model)
    expected = attended_clips(model, batches_of(manifest), CLASS_NAMES)
    monkeypatch.setattr(attended_clip, "attention_model", None)
    found = attended_clips(made, batches_of(manifest), CLASS_NAMES)
    assert list(map(ids_of, found)) == list(map(ids_of, expected))


def test_modalities_that_the_model_lacks_are_left_out(manifest):
    model = make_pointing_model(["rgb"])
    right, _ = attended_clips(model, batches_of(manifest), CLASS_NAMES, 1)
    assert list(right[0].attention) == ["rgb"]


def test_any_of_many_labels_makes_a_clip_right(tmp_path, model):
    labels = [(0, 2), (0, 1), (), (1,)]
    clips = [
        dataclasses.replace(make_clip(index), labels=x)
        for index, x in enumerate(labels)
    ]
    manifest = write_dataset(tmp_path / "many", clips, multi_label=True)
    right, wrong = attended_clips(model, batches_of(manifest), CLASS_NAMES)
    assert ids_of(right) == ["test-1", "test-3"]
    assert ids_of(wrong) == ["test-0", "test-2"]
    assert right[0].labels == ("cat", "dog") and wrong[1].labels == ()


def write_images(path, clips, num_frames):
    """Keeps images whose pixels are the frame's number from 1 on."""
    images = np.zeros((len(clips), num_frames, *IMAGE), np.uint8)
    for row, clip in enumerate(clips):
        for frame in range(min(num_frames, len(clip.frames["rgb"]))):
            images[row, frame] = frame + 1
    np.savez(path, ids=[clip.id for clip in clips], labels=[0], rgb=images)


def test_images_come_with_the_clips_that_they_are_of(manifest, model, tmp_path):
    path = tmp_path / "previews.npz"
    write_images(path, CLIPS[2:5][::-1], 6)  # the last one has 7 frames
    right, wrong = attended_clips(
        model, batches_of(manifest), CLASS_NAMES, 4, previews=path
    )
    images = {clip.id: clip.images for clip in (*right, *wrong) if clip.images}
    assert sorted(images) == ["clip-2", "clip-3"]
    for name, count in {"clip-2": 5, "clip-3": 6}.items():
        assert images[name]["rgb"].shape == (count, *IMAGE)
        first = images[name]["rgb"][:, 0, 0]
        np.testing.assert_array_equal(first, np.arange(count) + 1)


def test_a_sample_of_the_frames_has_no_images(manifest, model, tmp_path):
    path = tmp_path / "previews.npz"
    write_images(path, CLIPS, 10)
    batches = batches_of(manifest, sample_size=4)
    right, wrong = attended_clips(model, batches, CLASS_NAMES, 4, previews=path)
    with_images = [clip.id for clip in (*right, *wrong) if clip.images]
    assert sorted(with_images) == ["clip-0", "clip-1"]  # 3 and 4 frames


def test_a_dataset_need_not_keep_images(manifest, model, tmp_path):
    found = attended_clips(
        model,
        batches_of(manifest),
        CLASS_NAMES,
        previews=tmp_path / "previews.npz",
    )
    assert not any(clip.images for clips in found for clip in clips)


def test_a_clip_is_right_if_its_best_prediction_is_a_label():
    answers = (("dog", 0.6), ("cat", 0.4))
    assert AttendedClip("a", ("fox", "dog"), answers, {}).right
    assert not AttendedClip("a", ("cat",), answers, {}).right
