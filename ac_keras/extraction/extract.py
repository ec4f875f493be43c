"""What it takes to extract a dataset: its writer, its backbones, its shards."""

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
from ac_keras.extraction import plan as kept_inputs
from ac_keras.extraction.backbones import dataset_backbones
from ac_keras.extraction.backbones.dataset_backbones import BackboneChoice
from ac_keras.extraction.engines import job as shard_problems
from ac_keras.extraction.engines.job import ExtractionJob
from ac_keras.extraction.engines.job import ShardTask
from ac_keras.extraction.engines.run import Outcome
from ac_keras.extraction.engines.run import run_extraction
from ac_keras.extraction.engines.run import shard_tasks
from ac_keras.extraction.plan import ExtractionPlan
from ac_keras.pipeline import DatasetWriter
from ac_keras.pipeline import Description
from ac_keras.pipeline import Manifest


@dataclasses.dataclass(frozen=True)
class DatasetExtraction:
    """An extraction that was begun, or that goes on.

    Attributes:
        writer: Writes the dataset.
        job: What all workers need to know.
        tasks: All shards.
        sizes: Clips of each.
    """

    writer: DatasetWriter
    job: ExtractionJob
    tasks: tuple[ShardTask, ...]
    sizes: tuple[int, ...]

    def retry(self) -> None:
        """Makes the shards missing again that lack some of their clips."""
        self.writer.reopen(shard_problems.lacking(x.path for x in self.tasks))

    def run(self, engine: Callable, read_ahead: int) -> Outcome:
        """Writes the shards that are missing.

        Args:
            engine: As in `run_extraction`.
            read_ahead: Files that a worker decodes at a time.

        Raises:
            ValueError: If no clip could be used.
            WorkerError: If workers fail.
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
    """Begins a dataset of media files.

    Args:
        directory: Its folder.
        media_dir: The folder that the clips' paths start from.
        splits: Mapping from a split to its clips, in their order.
        plan: What is taken from a file.
        choices: Mapping from a modality to its backbone.
        name: The dataset's name.
        class_names: The classes in order; None takes those of the clips.
        dtype: Of features that are floats.
        clips_per_shard: Clips in a file, at most.
        seed: Of random weights.
        settings: What else decides the dataset.

    Raises:
        ValueError: If there is no such backbone, or the folder holds another
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
            kept_inputs.SETTING: _settings(plan, choices, backbones),
        },
    )
    counts = {
        split: -(-len(part) // clips_per_shard)
        for split, part in splits.items()
    }
    writer = _begin(directory, description, counts, backbones)
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
    """Begins a dataset of what another keeps for backbones.

    Args:
        directory: Its folder.
        manifest: The other dataset. It decides frames, sizes and splits.
        choices: Mapping from a modality to its backbone.
        dtype: Of features that are floats.
        seed: Of random weights.

    Raises:
        ValueError: If the other does not keep a modality's inputs, there is
            no such backbone, or the folder holds another dataset.
    """
    source = manifest.description
    for name in choices:
        kept_inputs.input_shape_of(source, name)  # or raises
    whole = kept_inputs.plan_of(source)
    plan = ExtractionPlan(
        whole.choice, {name: whole.modalities[name] for name in choices}
    )
    backbones = _make_backbones(plan, choices, seed)
    description = dataclasses.replace(
        source,
        modalities=_modalities(plan, backbones, dtype),
        settings={
            "inputs_sha256": _digest(manifest.dump()),
            kept_inputs.SETTING: _settings(plan, choices, backbones),
        },
    )
    counts = {name: len(x.shards) for name, x in manifest.splits.items()}
    writer = _begin(directory, description, counts, backbones)
    job = ExtractionJob(
        writer.directory.absolute(), None, description, plan, source
    )
    tasks, sizes = [], []
    for split, values in manifest.splits.items():
        kept = map(pathlib.Path, manifest.paths(split))
        for index, (shard, path) in enumerate(
            zip(values.shards, kept, strict=True)
        ):
            target = writer.path(split, index).absolute()
            tasks.append(ShardTask(split, index, target, (), path.absolute()))
            sizes.append(shard.num_clips)
    return DatasetExtraction(writer, job, tuple(tasks), tuple(sizes))


def _make_backbones(plan, choices, seed):
    """Makes the backbone of each modality; None where inputs are kept."""
    keras.utils.set_random_seed(seed)
    return {
        name: dataset_backbones.make_backbone(
            name, plan.modalities[name], choice
        )
        for name, choice in choices.items()
    }


def _modalities(plan, backbones, dtype):
    """Tells how features are stored."""
    return {
        name: dataset_backbones.modality_of(
            plan.modalities[name], backbone, dtype
        )
        for name, backbone in backbones.items()
    }


def _settings(plan, choices, backbones):
    """Gives what a manifest tells of an extraction."""
    return {
        "plan": plan.to_json(),
        "backbones": {
            name: dataset_backbones.describe_backbone(choice, backbones[name])
            for name, choice in choices.items()
        },
    }


def _begin(directory, description, counts, backbones):
    """Begins the dataset, or goes on with it, and keeps its backbones."""
    writer = DatasetWriter(directory, description, counts)
    for name, backbone in backbones.items():
        if backbone is not None and not writer.is_complete:
            dataset_backbones.save_backbone(writer.directory, name, backbone)
    return writer


def _digest(values):
    """Gives the SHA-256 of JSON values."""
    return hashlib.sha256(json.dumps(values).encode()).hexdigest()
