"""Extraction of a dataset: its writer, its backbones and its shards."""

import dataclasses
import hashlib
import json
import os
import pathlib
from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

import keras

from ac_keras.annotations.clip_table import ClipRow
from ac_keras.annotations.clip_table import collect_class_names
from ac_keras.annotations.clip_table import is_multi_label
from ac_keras.extraction import plan as extraction_plan
from ac_keras.extraction.backbones import dataset_backbones
from ac_keras.extraction.backbones.dataset_backbones import BackboneChoice
from ac_keras.extraction.engines.job import ExtractionJob
from ac_keras.extraction.engines.job import ShardTask
from ac_keras.extraction.engines.job import incomplete_shards
from ac_keras.extraction.engines.run import Outcome
from ac_keras.extraction.engines.run import run_extraction
from ac_keras.extraction.engines.run import shard_tasks
from ac_keras.extraction.plan import ExtractionPlan
from ac_keras.pipeline import DatasetWriter
from ac_keras.pipeline import Description
from ac_keras.pipeline import Manifest


@dataclasses.dataclass(frozen=True)
class DatasetExtraction:
    """An extraction that has been started or resumed.

    Attributes:
        writer: Writer of the dataset.
        job: Settings for all workers.
        tasks: All shards.
        sizes: Number of clips of each shard.
    """

    writer: DatasetWriter
    job: ExtractionJob
    tasks: tuple[ShardTask, ...]
    sizes: tuple[int, ...]

    def retry(self) -> None:
        """Marks shards from which clips were left out as missing again."""
        self.writer.reopen(incomplete_shards(x.path for x in self.tasks))

    def run(self, engine: Callable, read_ahead: int) -> Outcome:
        """Writes the missing shards, as `run_extraction`.

        A worker decodes `read_ahead` files at a time.
        """
        job = dataclasses.replace(self.job, read_ahead=read_ahead)
        return run_extraction(self.writer, job, self.tasks, self.sizes, engine)


def extract_files(
    directory: str | os.PathLike,
    media_dir: str | os.PathLike,
    splits: Mapping[str, Sequence[ClipRow]],
    plan: ExtractionPlan,
    choices: Mapping[str, BackboneChoice],
    *,
    name: str,
    class_names: Sequence[str] | None,
    dtype: str,
    clips_per_shard: int,
    seed: int,
    settings: Mapping[str, Any],
) -> DatasetExtraction:
    """Starts or resumes the extraction of media files.

    Args:
        directory: Folder of the dataset.
        media_dir: Folder that the clips' paths are relative to.
        splits: Mapping from a split to its clips, in order.
        plan: Frames and modalities to read.
        choices: Mapping from a modality to its backbone.
        name: Name of the dataset.
        class_names: Class names in order; None collects them from the clips.
        dtype: Storage dtype of float features.
        clips_per_shard: Maximum number of clips per file.
        seed: Seed of random weights.
        settings: Further settings that the dataset depends on.

    Raises:
        ValueError: If a backbone does not exist, or the folder holds another
            dataset.
    """
    rows = [row for part in splits.values() for row in part]
    backbones = _make_backbones(plan, choices, seed)
    clips = [[key, x.path, x.labels] for key in splits for x in splits[key]]
    description = Description(
        name=name,
        class_names=class_names or collect_class_names(rows),
        modalities=_modalities(plan, backbones, dtype),
        multi_label=is_multi_label(rows),
        seed=seed,
        settings={
            "clips_sha256": _digest(clips),
            "clips_per_shard": clips_per_shard,
            **settings,
            extraction_plan.SETTING: _settings(plan, choices, backbones),
        },
    )
    counts = {
        split: -(-len(part) // clips_per_shard)
        for split, part in splits.items()
    }
    writer = _open_writer(directory, description, counts, backbones)
    media_dir = pathlib.Path(media_dir).absolute()
    job = ExtractionJob(
        writer.directory.absolute(), media_dir, description, plan
    )
    tasks = shard_tasks(writer, splits)
    return DatasetExtraction(
        writer, job, tuple(tasks), tuple(len(task.rows) for task in tasks)
    )


def extract_inputs(
    directory: str | os.PathLike,
    manifest: Manifest,
    choices: Mapping[str, BackboneChoice],
    *,
    dtype: str,
    seed: int,
) -> DatasetExtraction:
    """Starts or resumes the extraction of inputs that a dataset stores.

    Args:
        directory: Folder of the new dataset.
        manifest: The dataset with the backbones' inputs. It determines frames,
            sizes and splits.
        choices: Mapping from a modality to its backbone.
        dtype: Storage dtype of float features.
        seed: Seed of random weights.

    Raises:
        ValueError: If the dataset does not store a modality's inputs, a
            backbone does not exist, or the folder holds another dataset.
    """
    source = manifest.description
    for name in choices:
        extraction_plan.input_shape_of(source, name)  # or raises
    plan = extraction_plan.plan_of(source).select(choices)
    backbones = _make_backbones(plan, choices, seed)
    description = dataclasses.replace(
        source,
        modalities=_modalities(plan, backbones, dtype),
        settings={
            "inputs_sha256": _digest(manifest.dump()),
            extraction_plan.SETTING: _settings(plan, choices, backbones),
        },
    )
    counts = {name: len(x.shards) for name, x in manifest.splits.items()}
    writer = _open_writer(directory, description, counts, backbones)
    job = ExtractionJob(
        writer.directory.absolute(), None, description, plan, source
    )
    tasks, sizes = [], []
    for split, values in manifest.splits.items():
        paths = map(pathlib.Path, manifest.paths(split))
        for index, (shard, path) in enumerate(
            zip(values.shards, paths, strict=True)
        ):
            target = writer.path(split, index).absolute()
            tasks.append(ShardTask(split, index, target, (), path.absolute()))
            sizes.append(shard.num_clips)
    return DatasetExtraction(writer, job, tuple(tasks), tuple(sizes))


def _make_backbones(plan, choices, seed):
    """Builds the backbone of each modality; None where inputs are stored."""
    keras.utils.set_random_seed(seed)
    return {
        name: dataset_backbones.make_backbone(
            name, plan.modalities[name], choice
        )
        for name, choice in choices.items()
    }


def _modalities(plan, backbones, dtype):
    """Returns the description of each modality's stored features."""
    return {
        name: dataset_backbones.modality_of(
            plan.modalities[name], backbone, dtype
        )
        for name, backbone in backbones.items()
    }


def _settings(plan, choices, backbones):
    """Returns the settings of an extraction that a manifest stores."""
    return {
        "plan": plan.to_json(),
        "backbones": {
            name: dataset_backbones.describe_backbone(choice, backbones[name])
            for name, choice in choices.items()
        },
    }


def _open_writer(directory, description, counts, backbones):
    """Starts or resumes the dataset and saves its backbones."""
    writer = DatasetWriter(directory, description, counts)
    for name, backbone in backbones.items():
        if backbone is not None and not writer.is_complete:
            dataset_backbones.save_backbone(writer.directory, name, backbone)
    return writer


def _digest(values):
    """Returns the SHA-256 of JSON values."""
    return hashlib.sha256(json.dumps(values).encode()).hexdigest()
