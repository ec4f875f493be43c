"""find_attended_clips and save_preview_attention: clips with their attention.

In every clip of the dataset one frame's first feature is 1, all others are 0.
The model's first unit puts all its weight on that frame, its second unit has
even weights, and its prediction is always the second class.
"""

import numpy as np
import pytest

from ac_keras import AttentionCluster
from ac_keras import cluster_classifier
from ac_keras.models import attention_model
from ac_keras.pipeline import Clip
from ac_keras.pipeline import DatasetWriter
from ac_keras.pipeline import Description
from ac_keras.pipeline import Modality
from ac_keras.pipeline import evaluation_batches
from ac_keras.visualization import attended_clips
from ac_keras.visualization import find_attended_clips
from ac_keras.visualization import save_attention_maps
from ac_keras.visualization import save_preview_attention

CLASS_NAMES = ("cat", "dog", "fox")
DIM, NUM_FRAMES = 3, 5
IMAGE = (4, 20)
LABELS = (0, 1, 2, 1, 1, 0, 1, 0)
POINTED = (3, 0, 4, 1)  # the attended frame of each clip with previews
IDS = tuple(f"test-{index}" for index in range(len(POINTED)))


def make_clip(name, pointed, num_frames, labels, audio_frames=2):
    frames = np.zeros((num_frames, DIM), "float32")
    frames[pointed, 0] = 1
    audio = np.ones((audio_frames, DIM), "float32")
    return Clip(name, labels, {"audio": audio, "rgb": frames})


def make_test_clips(labels=((0,), (1,), (2,), (0,))):
    return [
        make_clip(name, pointed, NUM_FRAMES, label)
        for name, pointed, label in zip(IDS, POINTED, labels, strict=True)
    ]


CLIPS = [
    make_clip(f"clip-{index}", index % 3, 3 + index, (label,), 2 * (index % 2))
    for index, label in enumerate(LABELS)
]


def write_dataset(directory, clips, multi_label=False):
    """Writes a dataset of a test split, without images."""
    modalities = {"audio": Modality(DIM), "rgb": Modality(DIM)}
    description = Description(
        "pointed", CLASS_NAMES, modalities, multi_label=multi_label
    )
    writer = DatasetWriter(directory, description, {"test": 1})
    return writer.write(lambda split, shard: clips)


def write_previews(manifest, clips, num_frames=NUM_FRAMES):
    """Keeps images of clips, whose pixels are the frame's number from 1 on."""
    images = np.zeros((len(clips), num_frames, *IMAGE), np.uint8)
    for row, clip in enumerate(clips):
        count = min(num_frames, len(clip.frames["rgb"]))
        images[row, :count] = np.arange(1, count + 1)[:, None, None]
    path = manifest.directory / "previews.npz"
    np.savez(path, ids=[clip.id for clip in clips], labels=[0], rgb=images)
    return path


def make_model(modalities=("audio", "rgb")):
    model = cluster_classifier(
        dict.fromkeys(modalities, DIM),
        {name: AttentionCluster(2, name=name) for name in modalities},
        len(CLASS_NAMES),
    )
    for cluster in model.get_layer("clusters").clusters.values():
        cluster.set_weights([np.array([[50.0, 0.0], [0, 0], [0, 0]])])
    kernel, bias = model.get_layer("logits").get_weights()
    model.get_layer("logits").set_weights([0 * kernel, bias + [0, 1, 0]])
    return model


@pytest.fixture(scope="module")
def manifest(tmp_path_factory):
    return write_dataset(tmp_path_factory.mktemp("attended") / "r", CLIPS)


@pytest.fixture(scope="module")
def model():
    return make_model()


@pytest.fixture
def previewed(tmp_path):
    """A dataset with images of its test clips."""
    manifest = write_dataset(tmp_path / "records", make_test_clips())
    write_previews(manifest, make_test_clips())
    return manifest


@pytest.fixture
def path(tmp_path):
    return tmp_path / "attention.png"


@pytest.fixture
def drawn(monkeypatch):
    """Collects the arguments of `save_attention_maps`, which still draws."""
    calls = []

    def watch(*arguments):
        calls.append(arguments)
        save_attention_maps(*arguments)

    monkeypatch.setattr(attended_clips, "save_attention_maps", watch)
    return calls


def batches_of(manifest, batch_size=3, **settings):
    return evaluation_batches(
        manifest, "test", batch_size=batch_size, with_ids=True, **settings
    )


def find(model, manifest, num_clips=3, previews=None, **settings):
    batches = batches_of(manifest, **settings)
    return find_attended_clips(
        model, batches, CLASS_NAMES, num_clips, previews=previews
    )


def ids_of(clips):
    return [clip.id for clip in clips]


def test_the_first_correct_and_wrong_clips_have_their_predictions(
    manifest, model
):
    correct, wrong = find(model, manifest, 3)
    assert ids_of(correct) == ["clip-1", "clip-3", "clip-4"]
    assert ids_of(wrong) == ["clip-0", "clip-2", "clip-5"]
    assert [clip.labels for clip in wrong] == [("cat",), ("fox",), ("cat",)]
    names, scores = zip(*correct[0].predictions, strict=True)
    e = np.exp(1)
    assert names[0] == "dog" and sorted(names) == ["cat", "dog", "fox"]
    np.testing.assert_allclose(
        scores, [e / (e + 2), 1 / (e + 2), 1 / (e + 2)], rtol=1e-5
    )


def test_all_clips_are_found_without_their_padding(manifest, model):
    correct, wrong = find(model, manifest, 99)
    assert (len(correct), len(wrong)) == (4, 4)
    for clip in (*correct, *wrong):
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

    find_attended_clips(model, watched(), CLASS_NAMES, 1)
    assert len(read) == 1
    read.clear()
    correct, _ = find_attended_clips(
        model, watched(), CLASS_NAMES, 99, max_batches=2
    )
    assert len(read) == 2 and ids_of(correct) == ["clip-1", "clip-3"]


def test_an_attention_model_is_not_made_again(manifest, model, monkeypatch):
    made = attention_model(model)
    expected = find(model, manifest)
    monkeypatch.setattr(attended_clips, "attention_model", None)
    found = find(made, manifest)
    assert list(map(ids_of, found)) == list(map(ids_of, expected))


def test_modalities_that_the_model_lacks_are_left_out(manifest):
    correct, _ = find(make_model(["rgb"]), manifest, 1)
    assert list(correct[0].attention) == ["rgb"]


def test_any_of_several_labels_makes_a_clip_correct(tmp_path, model):
    clips = make_test_clips([(0, 2), (0, 1), (), (1,)])
    manifest = write_dataset(tmp_path / "many", clips, multi_label=True)
    correct, wrong = find(model, manifest)
    assert ids_of(correct) == ["test-1", "test-3"]
    assert ids_of(wrong) == ["test-0", "test-2"]
    assert correct[0].labels == ("cat", "dog") and wrong[1].labels == ()
    assert all(clip.is_correct for clip in correct)
    assert not any(clip.is_correct for clip in wrong)


def images_of(found):
    return {x.id: x.images["rgb"] for clips in found for x in clips if x.images}


@pytest.fixture
def clips_manifest(tmp_path):
    return write_dataset(tmp_path / "clips", CLIPS)


def test_images_come_with_the_clips_that_they_are_of(clips_manifest, model):
    path = clips_manifest.directory / "previews.npz"
    assert images_of(find(model, clips_manifest, previews=path)) == {}
    write_previews(clips_manifest, CLIPS[2:5][::-1], 6)  # one has 7 frames
    images = images_of(find(model, clips_manifest, 4, previews=path))
    assert sorted(images) == ["clip-2", "clip-3"]
    for name, count in {"clip-2": 5, "clip-3": 6}.items():
        assert images[name].shape == (count, *IMAGE)
        first = images[name][:, 0, 0]
        np.testing.assert_array_equal(first, np.arange(count) + 1)


def test_a_sample_of_the_frames_has_no_images(clips_manifest, model):
    path = write_previews(clips_manifest, CLIPS, 10)
    images = images_of(find(model, clips_manifest, 4, path, sample_size=4))
    assert sorted(images) == ["clip-0", "clip-1"]  # 3 and 4 frames


@pytest.mark.parametrize(
    "modalities, num_frames, num_clips, max_units, shape",
    [
        (["audio", "rgb"], NUM_FRAMES, 1, 8, (1, 2, 5)),
        (["audio", "rgb"], NUM_FRAMES, 4, 8, (4, 2, 5)),
        (["audio", "rgb"], NUM_FRAMES, 9, 8, (4, 2, 5)),
        (["audio", "rgb"], NUM_FRAMES, 3, 1, (3, 1, 5)),
        (["rgb"], NUM_FRAMES, 3, 8, (3, 2, 5)),
        (["audio", "rgb"], 2, 3, 8, (3, 2, 2)),
        (["audio", "rgb"], 9, 3, 8, (3, 2, 5)),
    ],
)
def test_a_preview_shows_the_first_clips_units_and_kept_frames(
    modalities, num_frames, num_clips, max_units, shape, previewed, path, drawn
):
    write_previews(previewed, make_test_clips(), num_frames)
    model = make_model(modalities)
    assert save_preview_attention(model, previewed, path, num_clips, max_units)
    images, scores, titles, file = drawn[0]
    assert images.shape == (shape[0], shape[2], *IMAGE)
    assert scores.shape == shape
    pointed = np.eye(NUM_FRAMES)[list(POINTED)][: shape[0], : shape[2]]
    np.testing.assert_allclose(scores[:, 0], pointed, atol=1e-6)
    np.testing.assert_allclose(scores[:, 1:], 1 / NUM_FRAMES, atol=1e-6)
    names = ["cat", "dog", "fox", "cat"][: shape[0]]
    assert titles == [
        f"test-{index}: is {name}, taken for dog"
        for index, name in enumerate(names)
    ]
    assert file == path and path.read_bytes().startswith(b"\x89PNG")


def test_without_images_of_the_models_modality_nothing_is_drawn(
    previewed, model, path
):
    audio = make_model(["audio"])
    assert save_preview_attention(audio, previewed, path) is False
    (previewed.directory / "previews.npz").unlink()
    assert save_preview_attention(model, previewed, path) is False
    assert not path.exists()


@pytest.mark.parametrize("ids", [IDS[::-1], ("test-0", "test-9", "test-2")])
def test_images_of_other_clips_are_rejected(ids, previewed, model, path):
    clips = [make_clip(name, 0, NUM_FRAMES, (0,)) for name in ids]
    write_previews(previewed, clips)
    message = r"first test clips.*Received: .*test-.*Prepare the dataset again"
    with pytest.raises(ValueError, match=message):
        save_preview_attention(model, previewed, path)
    assert not path.exists()


def test_titles_name_several_labels(path, tmp_path, model, drawn):
    clips = make_test_clips([(0, 1, 2), (), (2,), (1,)])
    manifest = write_dataset(tmp_path / "many", clips, multi_label=True)
    write_previews(manifest, clips)
    assert save_preview_attention(model, manifest, path)
    assert drawn[0][2] == [
        "test-0: is cat, dog, fox, taken for dog",
        "test-1: is without a label, taken for dog",
        "test-2: is fox, taken for dog",
    ]
