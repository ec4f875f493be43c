"""ClipPredictor: media files like their records."""

import json

import numpy as np
import pytest
import tensorflow as tf

pytest.importorskip("av")
pytest.importorskip("cv2")

from ac_keras import attention_model
from ac_keras.extraction.backbones.dataset_backbones import ClipBackbones
from ac_keras.extraction.media.container import MediaError
from ac_keras.pipeline import Manifest
from ac_keras.pipeline import evaluation_batches
from ac_keras.pipeline import sampling
from ac_keras.prediction.clip_predictor import ClipPredictor
from support.media.extracted_media import BROKEN
from support.media.extracted_media import NUM_UNITS
from support.media.extracted_media import SILENT
from support.media.extracted_media import copy_description
from support.media.extracted_media import damage_audio
from support.media.extracted_media import make_model
from support.media.extracted_media import write_dataset
from support.media.log_mel_reference import tone
from support.media.media_files import write_wav

SAMPLE_SIZES = (0, 2, 3, 50)


@pytest.fixture(scope="module")
def extracted(tmp_path_factory):
    """The dataset's folder and its clips' paths by id, whole ones alone."""
    media_dir, rows, data_dir = write_dataset(
        tmp_path_factory.mktemp("extracted")
    )
    return data_dir, {row.id: media_dir / row.path for row in rows}


@pytest.fixture(scope="module")
def model(extracted):
    return make_model(extracted[0])


@pytest.fixture(scope="module")
def predictor(extracted, model):
    return ClipPredictor(model, extracted[0])


def write_tone(folder):
    return write_wav(folder / "tone.wav", tone(3.0, 8000, 440.0, 0.25), 8000)


def clip_path(extracted, number):
    """The file of one of the clips, by its number."""
    return next(x for x in extracted[1].values() if x.stem == f"clip{number}")


def recorded(model, data_dir, sample_size=0):
    """By id, what the model gives each record; as in `attention_model`."""
    batches = evaluation_batches(
        Manifest.load(data_dir),
        "train",
        batch_size=1,  # more clips at a time are rounded otherwise
        sample_size=sample_size,
        with_ids=True,
    )
    given, whole = {}, attention_model(model)
    for features, _, ids in batches:
        outputs = {name: x.numpy() for name, x in whole(features).items()}
        counts = {name: features[f"{name}_num_frames"] for name in NUM_UNITS}
        for row, clip_id in enumerate(ids.numpy()):
            clip = {"probabilities": outputs["probabilities"][row]}
            for name, count in counts.items():
                attention = outputs[f"{name}_attention"][row]
                clip[name] = attention[:, : count[row]]
            given[clip_id.decode()] = clip
    return given


@pytest.mark.parametrize("sample_size", SAMPLE_SIZES)
def test_a_file_is_given_what_its_record_is_given(
    sample_size, extracted, model
):
    data_dir, paths = extracted
    predictor = ClipPredictor(model, data_dir, 2, sample_size)
    given = recorded(model, data_dir, sample_size)
    assert len(given) == 7
    names = Manifest.load(data_dir).description.class_names
    for clip_id, expected in given.items():
        prediction = predictor.predict(paths[clip_id])
        order = [names.index(name) for name in prediction.classes]
        np.testing.assert_allclose(
            prediction.scores, expected["probabilities"][order], atol=1e-6
        )
        for name, attention in prediction.attention.items():
            np.testing.assert_allclose(attention, expected[name], atol=1e-6)
    first = [x["probabilities"][0] for x in given.values()]
    assert np.ptp(first) > 1e-2
    assert np.ptp([x["rgb"][0, 0] for x in given.values()]) > 1e-3


@pytest.mark.parametrize("top_k", [1, 2, 5])
def test_the_best_classes_are_named_first(top_k, extracted, model):
    predictor = ClipPredictor(model, extracted[0], top_k)
    prediction = predictor.predict(clip_path(extracted, 0))
    count = min(top_k, 2)
    assert len(set(prediction.classes)) == len(prediction.scores) == count
    assert list(prediction.scores) == sorted(prediction.scores)[::-1]
    assert prediction.scores[0] > 0.5
    assert sum(prediction.scores) == pytest.approx(1) or top_k == 1


def test_it_tells_which_frames_were_taken(extracted, model):
    predictor = ClipPredictor(model, extracted[0], sample_size=2)
    prediction = predictor.predict(clip_path(extracted, 0))
    taken = sampling.equal_intervals(tf.constant([3]), 2)[0]
    for name in ("rgb", "flow"):
        assert len(prediction.inputs.arrays[name]) == 3
        np.testing.assert_array_equal(prediction.sampled[name], taken)
        assert prediction.attention[name].shape == (NUM_UNITS[name], 2)
        sums = prediction.attention[name].sum(axis=1)
        np.testing.assert_allclose(sums, 1, atol=1e-5)


def test_a_modality_that_the_file_lacks_is_absent(extracted, predictor):
    prediction = predictor.predict(clip_path(extracted, SILENT))
    assert prediction.attention["audio"].shape == (NUM_UNITS["audio"], 0)
    assert not len(prediction.sampled["audio"])
    assert prediction.attention["rgb"].shape == (NUM_UNITS["rgb"], 3)


def test_a_file_may_have_audio_alone(predictor, tmp_path):
    prediction = predictor.predict(write_tone(tmp_path))
    assert prediction.attention["audio"].shape == (NUM_UNITS["audio"], 3)
    assert prediction.attention["rgb"].shape == (NUM_UNITS["rgb"], 0)
    assert sum(prediction.scores) == pytest.approx(1)


def test_a_file_that_cannot_be_used_is_named(extracted, predictor):
    path = clip_path(extracted, BROKEN)
    with pytest.raises(MediaError, match=f"Expected .*Received: .*{path}"):
        predictor.predict(path)


def test_what_is_wrong_with_a_file_that_is_used_is_told(
    extracted, predictor, tmp_path
):
    path = damage_audio(clip_path(extracted, 0), tmp_path / "damaged.mp4")
    prediction = predictor.predict(path)
    assert (
        prediction.problems
        and not predictor.predict(clip_path(extracted, 0)).problems
    )


def test_a_model_of_some_modalities_needs_no_more(extracted, tmp_path):
    folder = copy_description(extracted[0], tmp_path / "copied")
    (folder / "backbones" / "audio.keras").unlink()
    rgb = ClipPredictor(make_model(folder, ["rgb"]), folder)
    prediction = rgb.predict(clip_path(extracted, 0))
    assert set(prediction.attention) == set(prediction.inputs.arrays) == {"rgb"}
    with pytest.raises(MediaError, match="Expected rgb. Received: .* audio"):
        rgb.predict(write_tone(tmp_path))


def test_features_that_are_no_numbers_are_an_error_of_the_file(
    extracted, predictor, monkeypatch
):
    features = ClipBackbones.features
    monkeypatch.setattr(
        ClipBackbones,
        "features",
        lambda self, name, x: features(self, name, x) * np.float32("nan"),
    )
    with pytest.raises(MediaError, match="finite features.*clip0.mp4"):
        predictor.predict(clip_path(extracted, 0))


def test_a_dataset_without_its_backbones_is_rejected(
    extracted, model, tmp_path
):
    folder = copy_description(extracted[0], tmp_path / "copied")
    (folder / "backbones" / "flow.keras").unlink()
    with pytest.raises(ValueError, match="flow.keras, no file. Copy"):
        ClipPredictor(model, folder)


def test_a_dataset_of_other_origin_is_rejected(extracted, model, tmp_path):
    folder = copy_description(extracted[0], tmp_path / "copied")
    values = json.loads((folder / "manifest.json").read_text())
    values["settings"] = {}
    (folder / "manifest.json").write_text(json.dumps(values))
    with pytest.raises(ValueError, match="extract_features.py wrote. Received"):
        ClipPredictor(model, folder)
