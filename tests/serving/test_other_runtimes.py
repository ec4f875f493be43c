"""Files of other runtimes say what their model says."""

import types

import numpy as np
import pytest

from ac_keras import serving
from support.requests.runtime_files import BATCHES
from support.requests.runtime_files import RUNTIMES
from support.requests.runtime_files import SUFFIXES
from support.requests.runtime_files import make_multi_label
from support.requests.runtime_files import make_weightings
from support.requests.runtime_files import probabilities
from support.requests.runtime_files import some_batches
from support.serving.served_classifier import make_classifier

MODELS = {
    "softmax": make_classifier,
    "multi_label": make_multi_label,
    "weightings": make_weightings,
}


@pytest.fixture(scope="module", params=RUNTIMES)
def runtime(request):
    return request.param


@pytest.fixture(scope="module", params=MODELS)
def exported(request, runtime, tmp_path_factory):
    """A `model`, its file's `predict` and the `check` of its export."""
    model = MODELS[request.param]()
    path = tmp_path_factory.mktemp(runtime) / f"model{SUFFIXES[runtime]}"
    check = serving.export_runtime(
        model, runtime, path, some_batches("five_clips", "one_clip")
    )
    predict = serving.open_runtime(runtime, path)
    return types.SimpleNamespace(
        model=model,
        multi_label=request.param == "multi_label",
        predict=predict,
        check=check,
    )


def assert_same(exported, inputs):
    expected = probabilities(exported.model, inputs)
    served = exported.predict(inputs)
    assert served.dtype == np.float32
    np.testing.assert_allclose(served, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", BATCHES)
def test_batches_of_any_size_give_the_models_probabilities(exported, name):
    assert_same(exported, BATCHES[name])


def test_an_earlier_result_is_not_written_over(exported):
    first = exported.predict(BATCHES["five_clips"])
    kept = first.copy()
    exported.predict({k: x[::-1] for k, x in BATCHES["five_clips"].items()})
    np.testing.assert_array_equal(first, kept)


def test_padding_may_hold_anything(exported):
    inputs = {name: x.copy() for name, x in BATCHES["five_clips"].items()}
    before = exported.predict(inputs)
    for name in ("rgb", "audio"):
        frames = inputs[name]
        lengths = inputs[f"{name}_num_frames"][:, None]
        frames[np.arange(frames.shape[1]) >= lengths] = np.nan
    np.testing.assert_array_equal(exported.predict(inputs), before)


@pytest.mark.parametrize("absent", ["rgb", "audio"])
def test_a_modality_may_be_absent_from_all_clips(exported, absent):
    inputs = dict(BATCHES["five_clips"])
    inputs[absent] = np.zeros((5, 1, inputs[absent].shape[-1]), np.float32)
    inputs[f"{absent}_num_frames"] = np.zeros(5, np.int32)
    before = exported.predict(BATCHES["five_clips"])
    assert np.abs(exported.predict(inputs) - before).max() > 1e-3
    assert_same(exported, inputs)


def test_a_batch_may_have_no_frame_of_a_modality(exported):
    inputs = dict(BATCHES["five_clips"])
    inputs["audio"] = inputs["audio"][:, :0]
    inputs["audio_num_frames"] = np.zeros(5, np.int32)
    assert_same(exported, inputs)


def test_a_clip_does_not_depend_on_its_batch(exported):
    inputs = BATCHES["five_clips"]
    alone = exported.predict({name: x[2:3] for name, x in inputs.items()})
    together = exported.predict(inputs)[2:3]
    np.testing.assert_allclose(alone, together, rtol=0, atol=1e-5)


def test_probabilities_add_up_to_one_unless_there_are_many_labels(exported):
    sums = exported.predict(BATCHES["five_clips"]).sum(axis=1)
    assert (np.abs(sums - 1).max() < 1e-5) == (not exported.multi_label)


def test_the_check_tells_clips_and_difference(exported):
    assert exported.check.num_clips == 6
    assert 0 <= exported.check.max_difference <= 1e-5
    assert exported.check.path.is_file()


def test_nothing_but_the_files_is_left(exported, runtime):
    files = {x.name for x in exported.check.path.parent.iterdir()}
    pair = {"model.xml", "model.bin"}
    single = {f"model{SUFFIXES[runtime]}"}
    assert files == (pair if runtime == "openvino" else single)


def test_a_file_that_gives_nan_does_not_appear(runtime, tmp_path):
    broken = make_classifier()
    broken.set_weights([np.full(w.shape, np.nan) for w in broken.weights])
    path = tmp_path / "folder" / f"model{SUFFIXES[runtime]}"
    with pytest.raises(RuntimeError, match=f"Expected {runtime}.*of nan"):
        serving.export_runtime(broken, runtime, path, some_batches("one_clip"))
    assert not list(path.parent.iterdir())


def test_other_weights_are_told_apart(exported, runtime):
    other = make_classifier(seed=7)
    message = r"model's probabilities.*Received: a difference"
    with pytest.raises(RuntimeError, match=message):
        serving.check_runtime(
            other, runtime, exported.check.path, some_batches("five_clips")
        )
