"""What a run leaves when its last epoch is done."""

import json
import pathlib
import resource
import shutil
import sys
from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from ac_keras import serving
from ac_keras import visualization
from ac_keras.pipeline import Manifest
from ac_keras.runs import folder as run_folder
from ac_keras.runs.report import write_report
from ac_keras.training.evaluator import Evaluator
from ac_keras.training.evaluator import evaluation_metrics
from ac_keras.utils import keras_files

REPEATED_BYTES = 2**28  # of clips that the SavedModel is tried on
REPORTED_CLIPS = 4  # right ones, and as many wrong ones


def finish_run(
    model: keras.Model,
    manifest: Manifest,
    test_data: Callable[..., tf.data.Dataset],
    directory: pathlib.Path,
    *,
    batch_size: int,
    sample_size: int,
    history: Sequence[dict],
    best: int,
    settings: Mapping,
) -> dict:
    """Saves, tests, exports and draws a model, and writes the result.

    Args:
        model: A model of `cluster_classifier`, in one process and on one
            device.
        manifest: Its dataset.
        test_data: Gives the test batches, from a batch size and what else
            `evaluation_batches` takes.
        directory: The run's folder.
        batch_size: Clips at a time.
        sample_size: Frames taken at equal intervals in evaluation, and by the
            SavedModel from records; 0 takes all.
        history: The figures of every epoch.
        best: The place of the epoch that the model is of.
        settings: The run's flags, for the report.

    Returns:
        The result, which is the last file to be written.
    """
    keras_files.save_model(model, directory / "model.keras")
    # What is tested is what was saved.
    model = keras.models.load_model(directory / "model.keras")
    description = manifest.description
    metrics = evaluation_metrics(description)
    evaluator = Evaluator(model, metrics, description.multi_label)
    test = evaluator.evaluate(
        lambda size, share: test_data(size, share=share), batch_size
    )
    check = _export(
        model, manifest, test_data(batch_size), directory, sample_size
    )
    result = {
        **{f"test_{name}": value for name, value in test.items()},
        "test_accuracy_of_saved_model": check.accuracy,
        "test_clips_of_saved_model": check.num_clips,
        **{
            name.replace("val_", "validation_"): value
            for name, value in history[best].items()
            if name.startswith("val_")
        },
        "best_epoch": history[best]["epoch"] + 1,
        "epochs": len(history),
        "training_seconds": round(sum(x["seconds"] for x in history), 1),
        "parameters": model.count_params(),
        "peak_memory_mib": _peak_memory(),
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
    }
    confusion = None
    if not description.multi_label:
        confusion = metrics[-1].confusion_matrix()
    _draw(model, manifest, directory)
    write_report(
        directory / "report.html",
        title=f"{directory.name}: {description.name}",
        result=result,
        settings=settings,
        epochs=history,
        class_names=description.class_names,
        confusion=confusion,
        clips=_clips(model, manifest, test_data(batch_size, with_ids=True)),
    )
    run_folder.write_json(directory / run_folder.RESULT, result)
    print(json.dumps(result, indent=1))
    print(f"Everything is in {directory}")
    return result


def write_mean(results: Mapping[str, dict], directory: pathlib.Path) -> dict:
    """Writes the mean and the standard deviation over several datasets.

    Args:
        results: Mapping from a dataset's name to its run's result.
        directory: The folder that holds the runs.
    """
    names = [
        name
        for name, value in next(iter(results.values())).items()
        if name.startswith("test_") and isinstance(value, float)
    ]
    values = {name: [x[name] for x in results.values()] for name in names}
    summary = {
        "datasets": list(results),
        "mean": {name: float(np.mean(x)) for name, x in values.items()},
        "standard_deviation": {
            name: float(np.std(x)) for name, x in values.items()
        },
    }
    run_folder.write_json(directory / run_folder.RESULT, summary)
    print(json.dumps(summary, indent=1))
    return summary


def _export(model, manifest, batches, directory, sample_size):
    """Writes a SavedModel and repeats the first batches with it."""
    folder = directory / "saved_model"
    # What a killed run wrote: without a result nobody was told of it.
    shutil.rmtree(folder, ignore_errors=True)
    features, _ = next(iter(batches))
    num_bytes = sum(x.numpy().nbytes for x in features.values())
    fitting = batches.take(max(REPEATED_BYTES // num_bytes, 1))
    checks = []
    serving.export_saved_model(
        model,
        folder,
        manifest.description,
        sample_size=sample_size,
        max_frames=serving.frame_limit(manifest),
        check=lambda path: checks.append(
            serving.check_saved_model(model, path, fitting)
        ),
    )
    name = serving.fitting_model_name(manifest.description.name)
    serving.write_deployment(folder, name)
    return checks[0]


def _peak_memory():
    """Gives the most resident memory that this process had, in MiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return round(peak / unit)


def _draw(model, manifest, directory):
    multi_label = manifest.description.multi_label
    visualization.save_accuracy_curves(
        {directory.name: directory / "epochs.csv"},
        directory / "accuracy.png",
        metric="hit_at_1" if multi_label else "accuracy",
    )
    visualization.save_preview_attention(
        model, manifest, directory / "attention.png"
    )


def _clips(model, manifest, batches):
    right, wrong = visualization.attended_clips(
        model,
        batches,
        manifest.description.class_names,
        REPORTED_CLIPS,
        previews=manifest.directory / "previews.npz",
    )
    return [*right, *wrong]
