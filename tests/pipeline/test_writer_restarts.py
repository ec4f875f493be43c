"""A writer started again goes on, stays away or does nothing."""

import json
import re

import pytest

from ac_keras.pipeline import DatasetWriter
from support.records.drawn_dataset import RGB
from support.records.drawn_dataset import THREE
from support.records.drawn_dataset import describe
from support.records.drawn_dataset import draw_clips
from support.records.drawn_dataset import write_dataset
from support.records.plain_records import folder_contents
from support.records.small_shards import COUNTS
from support.records.small_shards import clips_of
from support.records.small_shards import make_writer
from support.records.small_shards import refuse_to_give


def test_a_writer_started_again_asks_for_the_missing_shards_only(tmp_path):
    writer, asked = make_writer(tmp_path), []
    for split, index in (("train", 0), ("test", 0)):
        writer.write_shard(split, index, clips_of(split, index))

    def clips_and_note(split, index):
        asked.append((split, index))
        return clips_of(split, index)

    make_writer(tmp_path).write(clips_and_note)
    assert asked == [("train", 1), ("train", 2)]


@pytest.mark.parametrize("before", [["train"], ["test"], ["train", "test"]])
def test_a_writer_started_again_ends_with_the_same_bytes(tmp_path, before):
    make_writer(tmp_path / "at once").write(clips_of)
    writer = make_writer(tmp_path / "in two")
    for split in before:
        writer.write_shard(split, 0, clips_of(split, 0))
    make_writer(tmp_path / "in two").write(clips_of)
    in_two = folder_contents(tmp_path / "in two")
    assert in_two == folder_contents(tmp_path / "at once")


def test_sums_of_all_modalities_are_the_same_when_started_again(tmp_path):
    shards = [draw_clips(describe(THREE), 4, seed) for seed in range(2)]
    expected = write_dataset(tmp_path / "a", describe(THREE), train=shards)
    arguments = (tmp_path / "b", describe(THREE), {"train": 2})
    DatasetWriter(*arguments).write_shard("train", 0, shards[0])
    writer = DatasetWriter(*arguments)
    manifest = writer.write(lambda split, index: shards[index])
    assert manifest.dump() == expected.dump()


CHANGES = {
    "seed": ({"seed": 8}, "seed: expected 8, found 7"),
    "name": ({"name": "huge"}, 'name: expected "huge", found "tiny"'),
    "settings": (
        {"settings": {"fps": 30}},
        'settings: expected {"fps": 30}, found {"fps": 25}',
    ),
    "no setting": ({"settings": {}}, 'expected {}, found {"fps": 25}'),
    "labels": (
        {"multi_label": True},
        "multi_label: expected true, found false",
    ),
    "classes": (
        {"class_names": ("a", "b")},
        'class_names: expected ["a", "b"]',
    ),
    "modalities": ({"modalities": THREE}, 'found {"rgb": {"dim": 3'),
    "shards": ({"counts": {"train": 4}}, 'num_shards: expected {"train": 4}'),
}
BEGUN = {"modalities": RGB, "seed": 7, "settings": {"fps": 25}}


@pytest.mark.parametrize("complete", [False, True])
@pytest.mark.parametrize("change", CHANGES)
def test_another_description_is_refused_with_the_difference(
    tmp_path, change, complete
):
    writer = make_writer(tmp_path, **BEGUN)
    if complete:
        writer.write(clips_of)
    before = folder_contents(tmp_path)
    changes, difference = CHANGES[change]
    with pytest.raises(ValueError, match=re.escape(difference)) as error:
        make_writer(tmp_path, **{**BEGUN, **changes})
    assert str(error.value).count("expected ") == 1  # no other difference
    assert "Name another folder" in str(error.value)
    assert folder_contents(tmp_path) == before


def test_a_long_difference_is_cut(tmp_path):
    make_writer(tmp_path)
    names = tuple(f"class {i}" for i in range(1000))
    with pytest.raises(ValueError, match=r"class 1.*\.\.\.") as error:
        make_writer(tmp_path, class_names=names)
    assert len(str(error.value)) < 1000


def test_settings_that_json_turns_into_others_are_no_difference(tmp_path):
    settings = {"size": (3, 4), "rate": 0.1}
    make_writer(tmp_path, settings=settings)
    manifest = make_writer(tmp_path, settings=settings).write(clips_of)
    assert manifest.description.settings == {"size": [3, 4], "rate": 0.1}


def test_a_folder_with_records_of_others_is_refused(tmp_path):
    (tmp_path / "cats.tfrecord").write_bytes(b"")
    with pytest.raises(ValueError, match="records and no plan. Name another"):
        make_writer(tmp_path)
    assert list(folder_contents(tmp_path)) == ["cats.tfrecord"]


def test_a_complete_folder_is_left_as_it_is(tmp_path):
    make_writer(tmp_path).write(clips_of)
    before = folder_contents(tmp_path)
    times = {x: x.stat().st_mtime_ns for x in tmp_path.iterdir()}
    writer = make_writer(tmp_path)
    assert writer.is_complete
    assert writer.missing_shards() == []
    assert writer.write(refuse_to_give).split("train").num_clips == 9
    assert folder_contents(tmp_path) == before
    assert {x: x.stat().st_mtime_ns for x in tmp_path.iterdir()} == times


def test_a_complete_folder_that_lost_a_file_is_refused(tmp_path):
    writer = make_writer(tmp_path)
    writer.write(clips_of)
    writer.path("train", 1).unlink()
    with pytest.raises(FileNotFoundError, match="train-00001-of-00003"):
        make_writer(tmp_path).write(refuse_to_give)


def test_what_a_killed_writer_left_is_swept(tmp_path):
    killed = tmp_path / ".train-00000-of-00003.tfrecord.4711.partial"
    make_writer(tmp_path)
    killed.write_bytes(b"half a record")
    make_writer(tmp_path)
    assert list(folder_contents(tmp_path)) == ["writing.json"]


def test_the_plan_tells_what_is_being_written(tmp_path):
    make_writer(tmp_path, **BEGUN)
    plan = json.loads((tmp_path / "writing.json").read_text())
    assert plan["num_shards"] == COUNTS
    assert (plan["seed"], plan["settings"]) == (7, {"fps": 25})


def test_a_writer_killed_between_manifest_and_plan_is_cleaned_up(tmp_path):
    make_writer(tmp_path).write(clips_of)
    before = folder_contents(tmp_path)
    (tmp_path / "writing.json").write_text("{}")
    make_writer(tmp_path).write(refuse_to_give)
    assert folder_contents(tmp_path) == before
