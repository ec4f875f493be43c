"""save_preview_attention: what a model attends to in a dataset's clips."""

import dataclasses

import numpy as np
import pytest

from ac_keras.visualization import attended_clips
from ac_keras.visualization import save_attention_maps
from ac_keras.visualization import save_preview_attention
from support.visualization.png_pixels import changed_box
from support.visualization.png_pixels import read_png
from support.visualization.preview_dataset import IDS
from support.visualization.preview_dataset import IMAGE
from support.visualization.preview_dataset import NUM_FRAMES
from support.visualization.preview_dataset import POINTED
from support.visualization.preview_dataset import make_clip
from support.visualization.preview_dataset import make_pointing_model
from support.visualization.preview_dataset import write_dataset
from support.visualization.preview_dataset import write_previews


@pytest.fixture
def manifest(tmp_path):
    manifest = write_dataset(tmp_path / "records")
    write_previews(manifest.directory)
    return manifest


@pytest.fixture
def path(tmp_path):
    return tmp_path / "attention.png"


@pytest.fixture
def drawn(monkeypatch):
    """What is handed to `save_attention_maps`, which still draws it."""
    calls = []

    def watch(*arguments):
        calls.append(arguments)
        save_attention_maps(*arguments)

    monkeypatch.setattr(attended_clips, "save_attention_maps", watch)
    return calls


def draw_weights(path, *index):
    """The picture of black images and all the weight at an index."""
    scores = np.zeros((3, 2, NUM_FRAMES))
    if index:
        scores[index] = 1
    images = np.zeros((3, NUM_FRAMES, *IMAGE), np.uint8)
    save_attention_maps(images, scores, [""] * 3, path)
    return read_png(path)


def test_the_attended_frame_is_the_bright_one(manifest, path, tmp_path):
    assert save_preview_attention(make_pointing_model(), manifest, path)
    picture, other = read_png(path), tmp_path / "other.png"
    dark = draw_weights(other)
    columns = [
        changed_box(draw_weights(other, ..., frame), dark)[1]
        for frame in range(NUM_FRAMES)
    ]
    for clip, pointed in enumerate(POINTED[:3]):
        rows = changed_box(draw_weights(other, clip, 0), dark)[0]
        brightness = [picture[rows, place].mean() for place in columns]
        assert np.argmax(brightness) == pointed
        assert max(brightness) > 2 * sorted(brightness)[-2]


def test_the_scores_are_those_of_the_first_clips(manifest, path, drawn):
    save_preview_attention(make_pointing_model(), manifest, path)
    _, scores, _, _ = drawn[0]
    assert scores.shape == (3, 2, NUM_FRAMES)
    np.testing.assert_allclose(
        scores[:, 0], np.eye(NUM_FRAMES)[list(POINTED[:3])], atol=1e-6
    )
    np.testing.assert_allclose(scores[:, 1], 1 / NUM_FRAMES, atol=1e-6)


def test_the_titles_name_the_clip_its_class_and_the_guess(
    manifest, path, drawn
):
    save_preview_attention(make_pointing_model(), manifest, path)
    assert drawn[0][2] == [
        "test-0: is cat, taken for dog",
        "test-1: is dog, taken for dog",
        "test-2: is fox, taken for dog",
    ]


@pytest.mark.parametrize("wanted, given", [(1, 1), (4, 4), (9, 4)])
def test_so_many_clips_are_drawn_at_most(wanted, given, manifest, path, drawn):
    model = make_pointing_model()
    assert save_preview_attention(model, manifest, path, num_clips=wanted)
    images, scores, _, _ = drawn[0]
    assert len(images) == len(scores) == given
    np.testing.assert_array_equal(scores[:, 0].argmax(1), POINTED[:given])


def test_so_many_units_are_drawn_at_most(manifest, path, drawn):
    model = make_pointing_model()
    assert save_preview_attention(model, manifest, path, max_units=1)
    scores = drawn[0][1]
    assert scores.shape == (3, 1, NUM_FRAMES)
    np.testing.assert_array_equal(scores[:, 0].argmax(1), POINTED[:3])


def test_a_model_of_one_modality_is_drawn(manifest, path, drawn):
    model = make_pointing_model(["rgb"])
    assert save_preview_attention(model, manifest, path)
    np.testing.assert_array_equal(drawn[0][1][:, 0].argmax(1), POINTED[:3])


def test_a_dataset_without_images_draws_nothing(manifest, path):
    (manifest.directory / "previews.npz").unlink()
    drawn = save_preview_attention(make_pointing_model(), manifest, path)
    assert drawn is False and not path.exists()


def test_images_of_a_modality_that_the_model_lacks_draw_nothing(manifest, path):
    model = make_pointing_model(["audio"])
    assert save_preview_attention(model, manifest, path) is False
    assert not path.exists()


@pytest.mark.parametrize("ids", [IDS[::-1], ("test-0", "test-9", "test-2")])
def test_images_of_other_clips_are_refused(ids, manifest, path):
    write_previews(manifest.directory, ids)
    message = r"first test clips.*Received: .*test-.*Prepare the dataset anew"
    with pytest.raises(ValueError, match=message):
        save_preview_attention(make_pointing_model(), manifest, path)
    assert not path.exists()


def test_clips_of_many_labels_are_drawn(path, tmp_path, drawn):
    labels = [(0, 1, 2), (), (2,), (1,)]
    clips = [
        dataclasses.replace(make_clip(index), labels=x)
        for index, x in enumerate(labels)
    ]
    manifest = write_dataset(tmp_path / "many", clips, multi_label=True)
    write_previews(manifest.directory)
    assert save_preview_attention(make_pointing_model(), manifest, path)
    assert drawn[0][2] == [
        "test-0: is cat, dog, fox, taken for dog",
        "test-1: is without a label, taken for dog",
        "test-2: is fox, taken for dog",
    ]


@pytest.mark.parametrize("num_frames", [2, 9])
def test_images_of_fewer_or_more_frames_than_the_clips_are_drawn(
    num_frames, manifest, path, drawn
):
    write_previews(manifest.directory, num_frames=num_frames)
    assert save_preview_attention(make_pointing_model(), manifest, path)
    images, scores, _, _ = drawn[0]
    count = min(num_frames, NUM_FRAMES)
    assert images.shape[1] == scores.shape[2] == count
    pointed = np.eye(NUM_FRAMES)[list(POINTED[:3])]
    np.testing.assert_allclose(scores[:, 0], pointed[:, :count], atol=1e-6)
