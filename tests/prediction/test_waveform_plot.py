"""Plots of clips whose audio backbone takes the waveform."""

import numpy as np

from ac_keras.extraction.inputs.clip_inputs import ClipInputs
from ac_keras.extraction.inputs.log_mel import log_mel_patches
from ac_keras.extraction.inputs.waveform import waveform_windows
from ac_keras.extraction.media.frame_times import EqualIntervals
from ac_keras.extraction.plan import ExtractionPlan
from ac_keras.extraction.plan import WaveformPlan
from ac_keras.prediction import media_files
from ac_keras.prediction.clip_predictor import ClipPrediction


def test_windows_of_a_waveform_are_drawn_as_log_mel_bands(monkeypatch):
    drawn = []
    monkeypatch.setattr(
        media_files, "save_clip_explanation", lambda *x: drawn.append(x)
    )
    plan = WaveformPlan(window=12_512, step=1280)
    samples = np.random.default_rng(0).normal(size=12_512 + 15 * 1280) / 10
    windows = waveform_windows(samples.astype(np.float32), 12_512, 1280)
    taken = np.array([0, 15])
    prediction = ClipPrediction(
        "a.wav",
        ("cat",),
        (1.0,),
        (),
        ExtractionPlan(EqualIntervals(1), {"audio": plan}),
        ClipInputs({"audio": windows}, {"audio": 0.08 * np.arange(16)}),
        {"audio": np.ones((2, 2))},
        {"audio": taken},
    )
    media_files.save_clip_plot(prediction, "a.png")
    ((_, _, (audio,), _),) = drawn
    np.testing.assert_allclose(audio.spans, [[0, 0.782], [1.2, 1.982]])
    np.testing.assert_allclose(
        audio.content[:96], log_mel_patches(samples)[0], atol=1e-5
    )
    assert audio.content_span[0] == 0
    assert 1.96 < audio.content_span[1] <= 1.982
