"""Google's speech embedding as a backbone of audio."""

import importlib.util
import sys

import numpy as np
import pytest
import tensorflow as tf

from ac_keras.annotations.clip_table import ClipRow
from ac_keras.extraction.backbones import speech_embedding
from ac_keras.extraction.backbones.dataset_backbones import BackboneChoice
from ac_keras.extraction.backbones.dataset_backbones import ClipBackbones
from ac_keras.extraction.backbones.dataset_backbones import audio_plan
from ac_keras.extraction.backbones.dataset_backbones import load_known_backbones
from ac_keras.extraction.backbones.dataset_backbones import save_backbone
from ac_keras.extraction.backbones.loading import choose_backbone
from ac_keras.extraction.backbones.speech_embedding import SpeechEmbedding
from ac_keras.extraction.engines import local_engine
from ac_keras.extraction.extract import extract_files
from ac_keras.extraction.inputs.clip_inputs import read_inputs
from ac_keras.extraction.inputs.waveform import waveform_windows
from ac_keras.extraction.media.frame_times import EqualIntervals
from ac_keras.extraction.plan import ExtractionPlan
from ac_keras.extraction.plan import WaveformPlan
from ac_keras.pipeline import Description
from ac_keras.pipeline import Manifest
from ac_keras.pipeline import evaluation_batches

CHOICE = BackboneChoice("speech_embedding")
PLAN = ExtractionPlan(EqualIntervals(1), {"audio": audio_plan(CHOICE, 96)})


@pytest.fixture(scope="module")
def backbone():
    if importlib.util.find_spec("pyopen_wakeword") is None:
        pytest.skip("pyopen-wakeword is not installed")
    return SpeechEmbedding()


def noise(seconds, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(0, 0.1, round(16_000 * seconds)).astype(np.float32)


def reference_features(samples):
    """Embeds audio as the models are published: one call for all of it."""
    folder = speech_embedding.find_models()

    def run(name, inputs):
        model = tf.lite.Interpreter(str(folder / name))
        (given,), (result,) = (
            model.get_input_details(),
            model.get_output_details(),
        )
        model.resize_tensor_input(given["index"], inputs.shape)
        model.allocate_tensors()
        model.set_tensor(given["index"], inputs.astype(np.float32))
        model.invoke()
        return model.get_tensor(result["index"])

    mel = run("melspectrogram.tflite", samples[None] * 32767)[0, 0]
    mel = mel / 10 + 2
    starts = range(0, len(mel) - 75, 8)
    patches = np.stack([mel[first : first + 76] for first in starts])
    return run("embedding_model.tflite", patches[..., None])[:, 0, 0]


def test_a_clip_has_a_feature_each_80_ms(backbone):
    samples = noise(2)
    plan = PLAN.modalities["audio"]
    windows = waveform_windows(samples, plan.window, plan.step)
    expected = reference_features(samples)
    assert expected.shape == ((32_000 - 12_512) // 1280 + 1, 96)
    np.testing.assert_allclose(backbone(windows), expected, atol=2e-3)
    assert np.abs(expected).max() > 1


def test_a_feature_does_not_depend_on_the_others_of_its_batch(backbone):
    windows = np.stack([noise(12_512 / 16_000, seed) for seed in range(3)])
    windows[1] *= 1e-3
    np.testing.assert_array_equal(
        backbone(windows)[1:2], backbone(windows[1:2])
    )


def test_silence_has_finite_features(backbone):
    assert np.isfinite(backbone(np.zeros((1, 12_512), np.float32))).all()


def test_the_package_is_not_imported(backbone):
    assert "pyopen_wakeword" not in sys.modules


def test_without_the_package_the_error_names_the_extra(monkeypatch):
    monkeypatch.setattr(speech_embedding, "PACKAGE", "no_such_package")
    with pytest.raises(ImportError, match=r"pyopen-wakeword.*ac-keras\[speech"):
        SpeechEmbedding()


def test_log_mel_patches_are_rejected(backbone):
    with pytest.raises(ValueError, match="12512 samples.*96, 64, 1.*media"):
        choose_backbone("audio", (96, 64, 1), source="speech_embedding")


def test_images_networks_reject_a_waveform():
    with pytest.raises(ValueError, match="waveform.*small.*speech_embedding"):
        choose_backbone("audio", (12_512,), source="small")


def test_windows_share_the_samples_of_the_clip():
    samples = noise(5)
    windows = waveform_windows(samples, 12_512, 1280)
    assert np.shares_memory(windows, samples) and windows.base is not None
    np.testing.assert_array_equal(windows[3], samples[3840 : 3840 + 12_512])
    assert len(windows) == 53


def test_audio_shorter_than_a_window_is_padded_with_silence():
    (window,) = waveform_windows(np.ones(5, np.float32), 8, 2)
    np.testing.assert_array_equal(window, [1, 1, 1, 1, 1, 0, 0, 0])


def test_silence_is_added_on_both_sides():
    windows = waveform_windows(np.ones(4, np.float32), 4, 2, padding=3)
    expected = [[0, 0, 0, 1], [0, 1, 1, 1], [1, 1, 1, 0], [1, 0, 0, 0]]
    np.testing.assert_array_equal(windows, expected)


def test_a_plan_of_windows_is_stored_in_the_manifest():
    stored = PLAN.to_json()
    assert ExtractionPlan.from_json(stored) == PLAN
    values = {"window": 12_512, "step": 1280, "sample_rate": 16_000}
    values["padding"] = 6400
    assert stored["modalities"]["audio"] == values


@pytest.fixture(scope="module")
def extracted(backbone, tmp_path_factory):
    """A folder of sound files, and the dataset of one worker."""
    pytest.importorskip("av")
    folder = tmp_path_factory.mktemp("sound")
    rows = []
    for number, seconds in enumerate((2.0, 0.3)):
        path = folder / f"{number}.wav"
        samples = noise(seconds)
        wav = tf.audio.encode_wav(samples[:, None], 16_000)
        path.write_bytes(wav.numpy())
        rows.append(ClipRow(path.name, ("a",), "", number + 2))
    data_dir = tmp_path_factory.mktemp("records")
    extraction = extract_files(
        data_dir,
        folder,
        {"train": rows},
        PLAN,
        {"audio": CHOICE},
        name="sound",
        class_names=None,
        dtype="float32",
        clips_per_shard=8,
        seed=0,
        settings={},
    )
    extraction.run(
        lambda job, tasks, hear: local_engine.run_shards(job, tasks, 1, hear), 1
    )
    return folder, rows, data_dir


@pytest.mark.programs
def test_workers_write_all_features_of_a_clip(extracted, backbone):
    folder, rows, data_dir = extracted
    manifest = Manifest.load(data_dir)
    assert manifest.description.modalities["audio"].dim == 96
    batches = evaluation_batches(manifest, "train", batch_size=2, with_ids=True)
    ((features, _, ids),) = list(batches)
    counts = dict(zip(ids.numpy(), features["audio_num_frames"], strict=True))
    # (32,000 + 12,800 - 12,512) / 1280 and (4,800 + 12,800 - 12,512) / 1280
    assert [int(counts[row.id.encode()]) for row in rows] == [26, 4]
    for clip, name in enumerate(ids.numpy()):
        inputs = read_inputs(folder / f"{name.decode()[:1]}.wav", PLAN)
        windows = inputs.arrays["audio"]
        np.testing.assert_allclose(
            features["audio"][clip, : len(windows)],
            backbone(windows),
            atol=1e-5,
        )
        np.testing.assert_allclose(
            inputs.times["audio"], 0.08 * np.arange(len(windows)) - 0.4
        )


@pytest.mark.programs
def test_the_dataset_knows_its_models_by_their_content(extracted, tmp_path):
    data_dir = extracted[2]
    description = Description.load(data_dir)
    load_known_backbones(data_dir, description, PLAN)
    folder = data_dir / "backbones" / "audio.speech_embedding"
    save_backbone(tmp_path, "audio", SpeechEmbedding(folder))
    model = tmp_path / "backbones" / folder.name / "embedding_model.tflite"
    content = bytearray(model.read_bytes())
    content[-1] ^= 1
    model.write_bytes(content)
    with pytest.raises(ValueError, match="other weights"):
        load_known_backbones(tmp_path, description, PLAN)


@pytest.mark.programs
def test_backbones_of_a_waveform_are_loaded_from_the_folder(extracted):
    loaded = ClipBackbones(extracted[2], PLAN)
    assert isinstance(loaded.models["audio"], SpeechEmbedding)
    assert isinstance(PLAN.modalities["audio"], WaveformPlan)
