"""Manifests for external records, which are read where they are."""

import concurrent.futures
import dataclasses
import functools
import glob
import hashlib
import itertools
import json
import os
import pathlib
import re
import shutil
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Sequence

import numpy as np
import tensorflow as tf
import tqdm

from ac_keras.pipeline import decoding
from ac_keras.pipeline import description as descriptions
from ac_keras.pipeline import parsing
from ac_keras.pipeline import shards
from ac_keras.pipeline.description import Description
from ac_keras.pipeline.integrity import record_framing
from ac_keras.pipeline.manifest import Manifest
from ac_keras.pipeline.manifest import Shard
from ac_keras.pipeline.manifest import Split
from ac_keras.pipeline.modality import Modality
from ac_keras.utils import atomic_file
from ac_keras.utils.frame_moments import FrameMoments

Totals = dict[str, np.ndarray]
LARGEST = "max_num_frames"  # the only total that is a maximum, not a sum
_BATCH = 32
SCAN_FOLDER = "scanned"


def scan_records(
    directory: str | os.PathLike,
    description: Description,
    files: dict[str, str | Sequence[str | os.PathLike]],
    num_threads: int | None = None,
) -> Manifest:
    """Reads external records once and writes a manifest of them.

    The totals of a file are kept until the manifest is written, so a scan that
    is started again continues at the next file.

    Args:
        directory: Folder of the manifest, created if it does not exist.
        description: Description of the records, with their format.
        files: Mapping from a split's name to its files, in order, or to a
            pattern such as `"records/train*"`, in the order of the names. The
            manifest has relative paths of files in the folder, and absolute
            paths of others.
        num_threads: Number of files to read at a time; None takes the number
            of cores.

    Returns:
        The manifest, as if `DatasetWriter` had written the records.

    Raises:
        FileNotFoundError: If a split has no file or one is missing.
        ValueError: If a file is empty, truncated or does not fit the
            description, if no clip has one of the modalities, if no clip of
            split `train` has a label, or if the folder holds another dataset.
    """
    directory = pathlib.Path(directory)
    paths = _absolute(files)
    shards = {name: _shards(directory, paths[name]) for name in paths}
    if (directory / descriptions.FILE_NAME).is_file():
        return _complete(directory, description, shards)
    scanned = directory / SCAN_FOLDER
    scanned.mkdir(parents=True, exist_ok=True)
    atomic_file.sweep(directory)
    atomic_file.sweep(scanned)
    totals = _scan_all(scanned, description, paths, num_threads)
    merged = {name: _merge_all(parts) for name, parts in totals.items()}
    _check_splits(merged, description)
    splits = {
        name: _make_split(shards[name], totals[name], description)
        for name in paths
    }
    manifest = Manifest(directory, description, splits)
    path = directory / descriptions.FILE_NAME
    atomic_file.write_text(path, manifest.dump())
    shutil.rmtree(scanned)
    return Manifest.load(directory)


def add_deviations(manifest: Manifest) -> Manifest:
    """Adds feature deviations to a manifest of version 0.1.0.

    The records are read once. Other values of the manifest stay as they are.

    Args:
        manifest: A complete dataset, of own or of external records.

    Returns:
        The manifest, which is also written to the folder.

    Raises:
        ValueError: If a file is truncated or does not fit the description.
    """
    description = manifest.description
    paths = {
        name: [pathlib.Path(path) for path in manifest.paths(name)]
        for name in manifest.splits
    }
    scanned = manifest.directory / SCAN_FOLDER
    scanned.mkdir(exist_ok=True)
    totals = _scan_all(scanned, description, paths, None)
    splits = {
        name: dataclasses.replace(
            split,
            feature_deviations=_make_split(
                split.shards, totals[name], description
            ).feature_deviations,
        )
        for name, split in manifest.splits.items()
    }
    manifest = dataclasses.replace(manifest, splits=splits)
    path = manifest.directory / descriptions.FILE_NAME
    atomic_file.write_text(path, manifest.dump())
    shutil.rmtree(scanned)
    return Manifest.load(manifest.directory)


def summarize(manifest: Manifest) -> list[str]:
    """Returns a line for each split with the numbers of its clips."""
    lines = []
    for name, split in manifest.splits.items():
        absent = [f"{n} without {k}" for k, n in split.num_absent.items()]
        seen = int((split.class_counts > 0).sum())
        lines.append(
            f"{name}: {split.num_clips} clips ({', '.join(absent)}), "
            f"{len(split.shards)} files, {seen} classes"
        )
    return lines


def _absolute(files):
    paths = {}
    for split, names in files.items():
        if isinstance(names, str):
            names = sorted(glob.glob(names))
        paths[split] = [pathlib.Path(name).absolute() for name in names]
        missing = [path for path in paths[split] if not path.is_file()]
        if missing or not paths[split]:
            raise FileNotFoundError(
                f"Expected one file or more for split {split!r}. Received: "
                f"{missing[0] if missing else files[split]!r}, where there is "
                "none. Fix the path or leave out the split."
            )
    if not paths:
        raise FileNotFoundError(
            "Expected one split or more. Received: none. Name its files."
        )
    return paths


def _shards(directory, paths):
    """Lists the shards of some files, with 0 clips each."""
    root = directory.absolute()
    return [
        Shard(
            str(path.relative_to(root) if root in path.parents else path),
            0,
            path.stat().st_size,
        )
        for path in paths
    ]


def _complete(directory, description, shards):
    manifest = Manifest.load(directory)
    found = {
        name: [shard.file for shard in split.shards]
        for name, split in manifest.splits.items()
    }
    asked = {name: [s.file for s in shards[name]] for name in shards}
    # As JSON, which has no tuples.
    same = json.dumps(manifest.description.to_json()) == json.dumps(
        description.to_json()
    )
    if found != asked or not same:
        raise ValueError(
            "scan_records expects a folder without a manifest or with that of "
            f"the same files and description. Received: {directory}, which "
            f"has another {'description' if not same else 'list of files'}. "
            "Name another folder, or remove the manifest."
        )
    return manifest


def _scan_all(scanned, description, paths, num_threads):
    """Returns the totals of every split, a list with an entry a file."""
    scan = _make_scan(description)
    totals = {split: [] for split in paths}
    pool = concurrent.futures.ThreadPoolExecutor(num_threads or os.cpu_count())
    jobs = [
        (split, pool.submit(scan_once, scanned, description, path, scan))
        for split in paths
        for path in paths[split]
    ]
    clips = 0
    with tqdm.tqdm(
        total=len(jobs), desc=f"Scanning {description.name}", unit="file"
    ) as bar:
        try:
            for split, job in jobs:
                totals[split].append(job.result())
                clips += int(totals[split][-1]["num_clips"])
                bar.set_postfix(clips=clips, refresh=False)
                bar.update()
        finally:
            pool.shutdown(cancel_futures=True)
    return totals


def _check_splits(merged, description):
    """Checks that there are frames of all modalities and training labels."""
    num_clips = sum(int(totals["num_clips"]) for totals in merged.values())
    for name in description.modalities:
        if not any(x[f"num_frames/{name}"] for x in merged.values()):
            raise ValueError(
                f"Expected clips with frames of modality {name!r}. Received: "
                f"{num_clips} clips and no frame. Fix its name or prefix, or "
                "leave it out."
            )
    if "train" in merged and not merged["train"]["class_counts"].any():
        raise ValueError(
            "Expected clips with labels in split 'train'. Received: "
            f"{merged['train']['num_clips']} clips and no label. Name files "
            "with labels."
        )


def _make_scan(description: Description) -> Callable[[str], Totals]:
    """Returns a thread-safe function from a path to totals, traced once."""

    def batches_of(paths):
        clips = parsing.expand_clips(
            tf.data.TFRecordDataset(paths), description
        )
        return shards.without_rewrites(clips.batch(_BATCH).prefetch(1))

    @tf.function(input_signature=[batches_of([]).element_spec])
    def totals_of(batch):
        return _batch_totals(batch, description)

    specs = totals_of.get_concrete_function().structured_outputs
    none = {
        key: np.zeros(spec.shape, spec.dtype.as_numpy_dtype)
        for key, spec in specs.items()
    }
    # Batch by batch, as a function of a whole file would start slowly.
    return lambda path: _merge_all(
        itertools.chain([none], map(totals_of, batches_of(path)))
    )


def _merge_totals(first: Totals, second: Totals) -> Totals:
    """Merges the totals of two parts, as tensors."""
    return {
        key: tf.maximum(first[key], second[key])
        if key.startswith(LARGEST)
        else tf.add(first[key], second[key])
        for key in first
    }


def _merge_all(parts: Iterable[Totals]) -> Totals:
    """Merges the totals of all parts, in their order."""
    merged = functools.reduce(_merge_totals, parts)
    return {key: np.asarray(total) for key, total in merged.items()}


def _make_split(
    shards: Sequence[Shard], parts: Sequence[Totals], description: Description
) -> Split:
    """Makes a split from shards and the totals of each."""
    merged = _merge_all(parts)
    means, deviations = {}, {}
    for name, modality in description.modalities.items():
        moments = FrameMoments(modality.dim)
        moments.count = int(merged[f"num_frames/{name}"])
        moments.sums = merged[f"sum/{name}"]
        moments.squares = merged[f"squares/{name}"]
        mean, deviation = moments.mean, moments.deviation
        if modality.dtype == "uint8" and moments.count:
            mean = mean * modality.level + modality.value_range[0]
            deviation = deviation * modality.level
        means[name] = mean.astype(np.float32)
        deviations[name] = deviation.astype(np.float32)
    counted = [
        dataclasses.replace(shard, num_clips=int(part["num_clips"]))
        for shard, part in zip(shards, parts, strict=True)
    ]
    longest, absent = (
        {name: int(merged[f"{key}/{name}"]) for name in description.modalities}
        for key in ("max_num_frames", "num_absent")
    )
    return Split(
        tuple(counted),
        merged["class_counts"],
        means,
        longest,
        absent,
        deviations,
    )


def _batch_totals(batch, description):
    """Returns `num_clips`, `class_counts` and `NAME/MODALITY` totals."""
    parsed = parsing.parse_records(batch, description)
    targets, num_classes = parsed["labels"], description.num_classes
    if not description.multi_label:
        targets = tf.one_hot(targets, num_classes, dtype=tf.int64)
    counts = tf.reduce_sum(tf.cast(targets, tf.int64), axis=0)
    totals = {
        "num_clips": tf.size(parsed["id"], tf.int64),
        "class_counts": tf.ensure_shape(counts, (num_classes,)),
    }
    for name, modality in description.modalities.items():
        stored = parsed[name]
        count = tf.cast(decoding.count_frames(stored, modality), tf.int64)
        with tf.control_dependencies([count]):  # every frame is whole
            numbers = _stored_numbers(stored, modality)
        totals[f"sum/{name}"] = tf.cast(
            tf.reduce_sum(numbers, axis=0), tf.float64
        )
        totals[f"squares/{name}"] = tf.reduce_sum(
            tf.square(tf.cast(numbers, tf.float64)), axis=0
        )
        totals[f"num_frames/{name}"] = tf.reduce_sum(count)
        totals[f"num_absent/{name}"] = tf.math.count_nonzero(count == 0)
        totals[f"{LARGEST}/{name}"] = tf.reduce_max(count)
    return totals


def _stored_numbers(
    stored: tf.Tensor | tf.RaggedTensor, modality: Modality
) -> tf.Tensor:
    """Returns all frames of a batch, int32 or float64 `(total, dim)`."""
    if isinstance(stored, tf.RaggedTensor):
        stored = stored.flat_values
    if stored.dtype == tf.string:
        joined = tf.strings.reduce_join(stored)
        stored = tf.io.decode_raw(joined, tf.as_dtype(modality.dtype))
    # int32 holds the sum of eight million frames of uint8.
    dtype = tf.int32 if modality.dtype == "uint8" else tf.float64
    return tf.reshape(tf.cast(stored, dtype), (-1, modality.dim))


def scan_once(
    folder: pathlib.Path,
    description: Description,
    path: pathlib.Path,
    scan: Callable[[str], Totals],
) -> Totals:
    """Returns a file's totals, from an earlier run if it kept them.

    The folder keeps totals by description, path, size and time of change.
    """
    stat = path.stat()
    what = [description.to_json(), str(path), stat.st_size, stat.st_mtime_ns]
    what.append("with squares")  # which version 0.1.0 did not keep
    digest = hashlib.sha256(json.dumps(what).encode()).hexdigest()
    kept = folder / f"{digest[:32]}.npz"
    if kept.is_file():
        with np.load(kept) as totals:
            return dict(totals)
    totals = _scan(path, description, scan)
    _check_file(path, description, totals)
    with atomic_file.atomic_path(kept) as partial, open(partial, "wb") as file:
        np.savez(file, **totals)
    return totals


def _scan(path, description, scan):
    starts = _record_starts(path)
    try:
        return scan(str(path))
    except tf.errors.DataLossError as error:
        offset = re.search(r"record at (\d+)", error.message)
        # The offset is of the record's first byte or of its data.
        start = starts[starts <= int(offset[1])][-1:] if offset else ()
        where = f" at byte {start[0]}" if len(start) else ""
        raise ValueError(
            f"Expected valid records in {path}. Received: a corrupt "
            f"one{where}. Copy the file again or leave it out."
        ) from error
    except tf.errors.InvalidArgumentError as error:
        raise ValueError(
            f"Expected records of format {description.record_format!r} in "
            f"{path} that fit the description. Received: "
            f"{_reason(error.message)}. Fix the description or leave out the "
            "file."
        ) from error


def _record_starts(path):
    """Returns the first bytes of the records; checks the last one's end."""
    starts, is_whole = record_framing.record_starts(path)
    if not is_whole:
        raise ValueError(
            f"Expected complete records in {path}. Received: one at "
            f"byte {starts[-1]} that is cut off, or no TFRecord, in "
            f"{path.stat().st_size} bytes. Copy the file again or leave it "
            "out."
        )
    return starts


def _reason(message):
    """Returns the message of an error of TensorFlow without its context."""
    text = message.partition("\n\t [[")[0].rpartition("\n\n")[2]
    text = text.partition("[Condition x")[0]
    text = re.split(r"with iterator: \S+: ", text)[-1]
    return " ".join(text.split()).rstrip(".")


def _check_file(path, description, totals):
    if not totals["num_clips"]:
        raise ValueError(
            f"Expected clips in {path}. Received: {path.stat().st_size} bytes "
            f"without a clip of format {description.record_format!r}. Leave "
            "out the file or name its format."
        )
    for name in description.modalities:
        if not np.isfinite(totals[f"sum/{name}"]).all():
            raise ValueError(
                f"Expected finite features in {path}. Received: NaN or "
                f"infinity in modality {name!r}. Leave out the file or fix "
                "its clips."
            )
