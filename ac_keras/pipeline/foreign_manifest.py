"""A manifest for records that others wrote, which stay where they are."""

import concurrent.futures
import glob
import json
import os
import pathlib
import shutil
from collections.abc import Sequence

import tqdm

from ac_keras.pipeline import description as descriptions
from ac_keras.pipeline.description import Description
from ac_keras.pipeline.manifest import Manifest
from ac_keras.pipeline.manifest import Shard
from ac_keras.pipeline.record_totals import make_scan
from ac_keras.pipeline.record_totals import make_split
from ac_keras.pipeline.record_totals import merge_all
from ac_keras.pipeline.scanned_file import scan_once
from ac_keras.utils import atomic_file

SCAN_FOLDER = "scanned"


def scan_records(
    directory: str | os.PathLike,
    description: Description,
    files: dict[str, str | Sequence[str | os.PathLike]],
    num_threads: int | None = None,
) -> Manifest:
    """Reads all records once and writes the manifest that points to them.

    What was found in a file is kept until the manifest is written, so that a
    scan that was stopped goes on at the next file when started again.

    Args:
        directory: The manifest's folder; made if need be.
        description: What the records hold, in which format.
        files: Mapping from a split's name to its files, in order, or to a
            pattern such as `"records/train*"`, in the order of the names.
            Files within the folder are named by their path from it, others by
            their absolute path.
        num_threads: Files read side by side; None takes the cores.

    Returns:
        The manifest, of the same meaning as one that `DatasetWriter` wrote.

    Raises:
        FileNotFoundError: If a split has no file or one is missing.
        ValueError: If a file is empty, truncated or does not fit the
            description, if there is no clip with one of the modalities, if no
            clip of split `train` has a label, or if the folder holds another
            dataset.
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
    merged = {name: merge_all(parts) for name, parts in totals.items()}
    _check(merged, description)
    splits = {
        name: make_split(shards[name], totals[name], description)
        for name in paths
    }
    manifest = Manifest(directory, description, splits)
    path = directory / descriptions.FILE_NAME
    atomic_file.write_text(path, manifest.dump())
    shutil.rmtree(scanned)
    return Manifest.load(directory)


def summarize(manifest: Manifest) -> list[str]:
    """Gives a line for each split that says what was found in it."""
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
                "none. Mend the path or leave out the split."
            )
    if not paths:
        raise FileNotFoundError(
            "Expected one split or more. Received: none. Name its files."
        )
    return paths


def _shards(directory, paths):
    """Gives shards whose clips are still to be counted."""
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
    # As JSON, which knows no tuples.
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
    """Gives every split's totals, a list with an entry a file."""
    scan = make_scan(description)
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


def _check(merged, description):
    """Raises if what was read cannot be what was meant."""
    num_clips = sum(int(totals["num_clips"]) for totals in merged.values())
    for name in description.modalities:
        if not any(x[f"num_frames/{name}"] for x in merged.values()):
            raise ValueError(
                f"Expected clips with frames of modality {name!r}. Received: "
                f"{num_clips} clips and no frame. Mend its name or prefix, or "
                "leave it out."
            )
    if "train" in merged and not merged["train"]["class_counts"].any():
        raise ValueError(
            "Expected clips with labels in split 'train'. Received: "
            f"{merged['train']['num_clips']} clips and no label. Name files "
            "with labels."
        )
