"""The end of a classifier's run: test, export, plots and report."""

import pathlib
import resource
import shutil
import sys
from collections.abc import Callable

import keras
import tensorflow as tf

from ac_keras import serving
from ac_keras import visualization
from ac_keras.pipeline import Manifest
from ac_keras.runs.report import write_report
from ac_keras.runs.run import Run
from ac_keras.runs.warnings import training_warnings
from ac_keras.training.evaluator import Evaluator
from ac_keras.training.evaluator import evaluation_metrics
from ac_keras.utils import keras_files

CHECKED_BYTES = 2**28  # of clips on which the SavedModel is checked
REPORTED_CLIPS = 4  # correct predictions in the report, and as many wrong ones


def finish_classifier(
    run: Run,
    model: keras.Model,
    manifest: Manifest,
    test_data: Callable[..., tf.data.Dataset],
    *,
    batch_size: int,
    sample_size: int,
) -> dict:
    """Saves and tests a trained classifier and completes its run.

    Writes `model.keras`, `saved_model/1` with files that start a server,
    `accuracy.png`, `attention.png`, `report.html` and, last, `result.json`.

    Args:
        run: The run, after training.
        model: A model of `cluster_classifier` with the weights of the best
            epoch, in one process and on one device.
        manifest: Manifest of the dataset, without skipped records.
        test_data: Function from a batch size and other arguments of
            `evaluation_batches` to the test batches.
        batch_size: Number of clips in a batch.
        sample_size: Number of frames taken at equal intervals from each clip
            in evaluation, and by the SavedModel from records; 0 takes all.

    Returns:
        The result.
    """
    directory, description = run.directory, manifest.description
    keras_files.save_model(model, directory / "model.keras")
    # The model that is tested is the one that was saved.
    model = keras.models.load_model(directory / "model.keras")
    metrics = evaluation_metrics(description)
    evaluator = Evaluator(model, metrics, description.multi_label)
    test = evaluator.with_intervals(
        evaluator.evaluate(
            lambda size, shard: test_data(size, shard=shard), batch_size
        )
    )
    check = _export(
        model, manifest, test_data(batch_size), directory, sample_size
    )
    test |= {
        "accuracy_of_saved_model": check.accuracy,
        "clips_of_saved_model": check.num_clips,
    }
    features, _ = next(iter(test_data(batch_size)))
    found = training_warnings(model, features, run.history)
    for warning in found:
        print(f"Warning: {warning}")
    result = run.summarize(
        model,
        test,
        peak_memory_mib=_peak_memory(),
        **({"warnings": found} if found else {}),
    )
    _save_plots(model, manifest, directory)
    write_report(
        directory / "report.html",
        title=f"{directory.name}: {description.name}",
        result=result,
        settings=run.settings,
        epochs=run.history,
        class_names=description.class_names,
        confusion=(
            None if description.multi_label else metrics[-1].confusion_matrix()
        ),
        clips=_clips(model, manifest, test_data(batch_size, with_ids=True)),
    )
    run.finish(result)
    return result


def _export(model, manifest, batches, directory, sample_size):
    """Exports a SavedModel and checks it on the first batches."""
    folder = directory / "saved_model"
    # A run that was killed here may have left one.
    shutil.rmtree(folder, ignore_errors=True)
    features, _ = next(iter(batches))
    num_bytes = sum(x.numpy().nbytes for x in features.values())
    checked = batches.take(max(CHECKED_BYTES // num_bytes, 1))
    checks = []
    serving.export_saved_model(
        model,
        folder,
        manifest.description,
        sample_size=sample_size,
        max_num_frames=serving.frame_limit(manifest),
        check=lambda path: checks.append(
            serving.check_saved_model(model, path, checked)
        ),
    )
    name = serving.fitting_model_name(manifest.description.name)
    serving.write_deployment(folder, name)
    return checks[0]


def _peak_memory():
    """Returns the peak resident memory of this process, in MiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (2**20 if sys.platform == "darwin" else 2**10))


def _save_plots(
    model: keras.Model, manifest: Manifest, directory: pathlib.Path
) -> None:
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
    correct, wrong = visualization.find_attended_clips(
        model,
        batches,
        manifest.description.class_names,
        REPORTED_CLIPS,
        previews=manifest.directory / "previews.npz",
    )
    return [*correct, *wrong]
