"""Google's speech embedding, which the package pyopen-wakeword ships.

References:
    Lin et al., Training Keyword Spotters with Limited and Synthesized Speech
    Data, ICASSP 2020.
"""

import importlib.util
import pathlib

import numpy as np

from ac_keras.extraction.backbones.runtime_backbone import RuntimeBackbone
from ac_keras.extraction.backbones.tflite import TFLiteFunction

PACKAGE = "pyopen_wakeword"
MEL, EMBEDDING = "melspectrogram.tflite", "embedding_model.tflite"
SAMPLE_RATE = 16_000  # Hz
STEP = 1280  # samples, 80 ms
MEL_FRAMES, MEL_HOP, MEL_WINDOW = 76, 160, 512
WINDOW = (MEL_FRAMES - 1) * MEL_HOP + MEL_WINDOW  # samples, 0.78 s
# Samples of silence around a clip, half a window: a spoken word is shorter than
# a window.
PADDING = 5 * STEP
NUM_BANDS, DIM = 32, 96
FULL_SCALE = 32767  # the mel model takes samples in the range of int16


class SpeechEmbedding(RuntimeBackbone):
    """From windows of a waveform at 16 kHz to 96 features each.

    A window of 12,512 samples becomes 76 frames of 32 mel bands by the first
    model, and they a feature by the second. The first one limits its range to
    80 dB below the loudest band, here that of each window.

    Args:
        folder: Folder of both models; None finds those of the installed
            package, which is not imported.

    Raises:
        ImportError: If the package is not installed.
        ValueError: If a file is missing or not such a model.
    """

    suffix = ".speech_embedding"
    input_shape = (None, WINDOW)
    output_shape = (None, DIM)

    def __init__(self, folder: pathlib.Path | None = None):
        folder = folder or find_models()
        self._contents = {}
        for name in (MEL, EMBEDDING):
            path = folder / name
            if not path.is_file():
                raise ValueError(
                    f"Expected the file {path} of the speech embedding. "
                    "Received: no file. Install ac-keras[speech] again."
                )
            self._contents[name] = path.read_bytes()
        self._mel = TFLiteFunction(self._contents[MEL], (WINDOW,))
        self._embed = TFLiteFunction(
            self._contents[EMBEDDING], (MEL_FRAMES, NUM_BANDS, 1)
        )

    def __call__(self, inputs: np.ndarray) -> np.ndarray:
        """Computes features of float samples in [-1, 1], `(batch, 12512)`."""
        features = np.empty((len(inputs), DIM), np.float32)
        for window, row in zip(inputs, features, strict=True):
            mel = self._mel(window * FULL_SCALE).reshape(MEL_FRAMES, -1, 1)
            row[:] = self._embed(mel / 10 + 2).reshape(DIM)
        return features

    @classmethod
    def load(cls, folder: pathlib.Path) -> "SpeechEmbedding":
        """Loads what `save` wrote to a dataset's folder."""
        return cls(folder)

    def contents(self) -> dict[str, bytes]:
        """Returns both models."""
        return self._contents


def find_models() -> pathlib.Path:
    """Returns the folder of the models in the installed package.

    Raises:
        ImportError: If it is not installed.
    """
    # Its import loads a native library that is not needed.
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise ImportError(
            "Expected the package pyopen-wakeword, which ships the speech "
            "embedding, to be installed. Received: no such package. Install "
            "ac-keras[speech]."
        )
    return pathlib.Path(spec.submodule_search_locations[0]) / "models"
