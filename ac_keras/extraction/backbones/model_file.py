"""Backbones from TFLite, ONNX and SavedModel files."""

import dataclasses
import json
import os
import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from ac_keras.extraction.backbones import input_format
from ac_keras.extraction.backbones.input_format import NCHW
from ac_keras.extraction.backbones.input_format import NHWC
from ac_keras.extraction.backbones.model_runners import RUNNERS
from ac_keras.extraction.backbones.runtime_backbone import RuntimeBackbone
from ac_keras.extraction.backbones.runtime_backbone import read_contents
from ac_keras.extraction.plan import PATCH_SHAPE

SAVED_MODEL = "saved_model.pb"  # in its folder
MODEL, FORMAT = "model", "input.json"  # in a dataset's folder
MAX_PIXEL = 255
SAMPLE_RATE = 16_000
BYTES = (np.dtype("uint8"), np.dtype("int8"))  # take pixels as they are


def kind_of(source: str | None) -> str | None:
    """Returns the suffix of a model file's kind, None if it is none.

    A folder with `saved_model.pb` is a `.saved_model`.
    """
    if source is None:
        return None
    if (pathlib.Path(source) / SAVED_MODEL).is_file():
        return ".saved_model"
    suffix = pathlib.Path(source).suffix
    return suffix if suffix in (".tflite", ".onnx") else None


class ModelFile(RuntimeBackbone):
    """A backbone from a `.tflite` or `.onnx` file or a SavedModel folder.

    Args:
        modality: `"rgb"`, `"flow"` or `"audio"`.
        path: The file or folder.
        given: Values of its `InputFormat` that replace those of the JSON file
            beside it.

    Attributes:
        format: The complete `InputFormat`.

    Raises:
        ImportError: If the runtime is not installed.
        ValueError: If the file cannot be used, or its format lacks a value.
    """

    def __init__(
        self,
        modality: str,
        path: str | os.PathLike,
        given: Mapping[str, Any] | None = None,
    ):
        self._modality = modality
        self.path = pathlib.Path(path)
        self.suffix = kind_of(os.fspath(path))
        self._check_exists()
        fmt = input_format.read_format(self.path, given)
        runner = self._load()
        signature = runner.signature
        self._dtype, self._quantization = signature.dtype, runner.quantization
        shape = self._resolve_shape(signature.shape, fmt)
        fmt = self._complete(shape, signature, fmt)
        self.format = fmt
        self.input_shape = (None, *self._frame_shape(shape))
        self._shape = shape
        self._run = runner.prepare(shape, fmt.output)
        self.output_shape = (None, self._find_dim())

    @classmethod
    def load(cls, folder: pathlib.Path) -> "ModelFile":
        """Loads what `save` wrote to a dataset's folder."""
        values = json.loads((folder / FORMAT).read_text(encoding="utf-8"))
        modality = values.pop("modality")
        suffix = "" if folder.suffix == ".saved_model" else folder.suffix
        return cls(modality, folder / f"{MODEL}{suffix}", values)

    def __call__(self, inputs: np.ndarray) -> np.ndarray:
        """Computes the features of pixels, samples or log-mel patches."""
        values = self._run(self._to_model(inputs))
        return values.reshape(len(inputs), -1).astype(np.float32)

    def contents(self) -> dict[str, bytes]:
        """Returns the model and its format."""
        if self.path.is_dir():
            files = {
                f"{MODEL}/{name}": content
                for name, content in read_contents(self.path).items()
            }
        else:
            files = {f"{MODEL}{self.suffix}": self.path.read_bytes()}
        values = {"modality": self._modality, **self.format.to_json()}
        text = json.dumps(values, indent=1, sort_keys=True)
        return {FORMAT: f"{text}\n".encode(), **files}

    def _check_exists(self):
        if self.suffix is None or not self.path.exists():
            raise ValueError(
                "Expected a .tflite or .onnx file, or a SavedModel folder. "
                f"Received: {self.path}, which "
                f"{'is none' if self.path.exists() else 'does not exist'}. "
                "Check the path."
            )

    def _load(self):
        try:
            return RUNNERS[self.suffix](self.path)
        except ImportError:
            raise
        except Exception as error:  # Runtimes raise any.
            raise ValueError(
                f"Expected a {self.suffix[1:]} model that its runtime loads. "
                f"Received: {self.path}: {error} Convert it again."
            ) from error

    def _resolve_shape(self, given, fmt):
        """Returns the shape of one input, without a batch."""
        own = given if len(given) == 1 else given[1:]
        shape = fmt.input_shape
        if shape is None:
            if None in own:
                why = f"its input has the shape {given}"
                raise self._missing("input_shape", why)
            shape = own
        fits = len(shape) == len(own) and all(
            mine in (None, stated)
            for mine, stated in zip(own, shape, strict=False)
        )
        if not fits:
            raise ValueError(
                f"Expected input_shape to fit the model's input {given}. "
                f"Received: input_shape={list(shape)} for {self.path}. "
                f"Correct {input_format.format_path(self.path).name}."
            )
        is_audio = self._modality == "audio"
        is_patch = [x for x in shape if x != 1] == list(PATCH_SHAPE[:2])
        if is_audio and not (len(shape) == 1 or is_patch):
            raise ValueError(
                "Expected an audio model of a waveform (batch, samples), or "
                f"of log-mel patches (batch, {PATCH_SHAPE[0]}, "
                f"{PATCH_SHAPE[1]}, 1). Received: {self.path} with an input "
                f"{given}. Pass another model."
            )
        if not is_audio and len(shape) != 3:
            raise ValueError(
                "Expected a model of images, with an input of four axes. "
                f"Received: {self.path} with an input {given}. Pass another "
                "model."
            )
        return tuple(shape)

    def _complete(self, shape, signature, fmt):
        """Returns the format with what can be concluded."""
        found = {"input_shape": shape}
        if self._modality != "audio":
            found["layout"] = fmt.layout or self._find_layout(shape)
        if fmt.scale is not None:
            found["offset"] = 0.0 if fmt.offset is None else fmt.offset
        elif (
            signature.dtype not in BYTES
            or self._modality == "audio"
            or fmt.offset is not None
        ):
            why = f"its {signature.dtype} input has a range of its own"
            raise self._missing("scale", why)
        if len(shape) == 1:
            if fmt.step is None:
                why = "its input is a waveform"
                raise self._missing("step", why)
            found["sample_rate"] = fmt.sample_rate or SAMPLE_RATE
        output = fmt.output
        if output is None:
            if len(signature.outputs) != 1:
                why = f"it has the outputs {', '.join(signature.outputs)}"
                raise self._missing("output", why)
            output = signature.outputs[0]
        elif output not in signature.outputs:
            raise ValueError(
                f"Expected output to be one of {', '.join(signature.outputs)}. "
                f"Received: output={output!r} for {self.path}. Correct it."
            )
        fmt = dataclasses.replace(fmt, **found, output=output)
        self._check_channels(shape, fmt)
        return fmt

    def _missing(self, name, why):
        return input_format.missing(name, self.path, why, self._modality)

    def _find_layout(self, shape):
        """Concludes the layout from the axis of 3 colors."""
        first, last = (x == input_format.COLORS for x in (shape[0], shape[-1]))
        if first == last:
            why = f"images of shape {shape} leave it open"
            raise self._missing("layout", why)
        return NCHW if first else NHWC

    def _check_channels(self, shape, fmt):
        channels = self._frame_shape(shape, fmt.layout)[-1]
        for name in ("scale", "offset"):
            value = getattr(fmt, name)
            if isinstance(value, tuple) and len(value) != channels:
                raise ValueError(
                    f"Expected {name} to be one number, or {channels}, one per "
                    f"channel. Received: {list(value)} for {self.path}. "
                    "Correct it."
                )

    def _frame_shape(self, shape, layout=None):
        """Returns the shape of one of our inputs."""
        if self._modality == "audio":
            return shape if len(shape) == 1 else PATCH_SHAPE
        if (layout or self.format.layout) == NCHW:
            return (*shape[1:], shape[0])
        return shape

    def _to_model(self, inputs):
        """Converts pixels, samples or patches to the model's input."""
        values = np.asarray(inputs, np.float32)
        fmt, dtype = self.format, self._dtype
        if fmt.scale is not None:
            values = values * np.asarray(fmt.scale, np.float32) + np.asarray(
                fmt.offset, np.float32
            )
        if np.issubdtype(dtype, np.integer):
            step, zero = self._quantization
            limits = np.iinfo(dtype)
            if fmt.scale is None:  # a pixel is a byte
                values = values + limits.min
            elif step:
                values = values / step + zero
            values = np.clip(np.rint(values), limits.min, limits.max)
        if fmt.layout == NCHW:
            values = values.transpose(0, 3, 1, 2)
        values = values.reshape(len(values), *self._shape)
        return np.ascontiguousarray(values, dtype)

    def _find_dim(self):
        """Applies the model to a random input and checks its features."""
        rng = np.random.default_rng(0)
        shape = (1, *self.input_shape[1:])
        inputs = rng.uniform(-1, 1, shape)
        if self._modality != "audio":
            inputs = rng.integers(0, MAX_PIXEL + 1, shape)
        try:
            output = np.asarray(self._run(self._to_model(inputs)))
        except Exception as error:  # as in _load
            raise ValueError(
                f"Expected a model of inputs {self._shape}. Received: "
                f"{self.path}, which fails with: {error} Correct input_shape."
            ) from error
        wide = [x for x in output.shape[1:] if x != 1]
        if len(wide) > 1 or output.ndim < 2 or not output.size:
            raise ValueError(
                "Expected a model with an output (batch, dim). Received: "
                f"{self.path} with an output of shape {output.shape}. End it "
                "with a global average pooling."
            )
        if not np.isfinite(output.astype(np.float32)).all():
            raise ValueError(
                "Expected finite features. Received: "
                f"{self.path}, whose features of a random input are not "
                "finite. Check scale and offset."
            )
        return int(output.size)
