"""What a dataset is, before its clips are known."""

import json
import re

import pytest

from ac_keras.pipeline import Description
from ac_keras.pipeline import Modality
from support.records.drawn_dataset import THREE
from support.records.drawn_dataset import describe
from support.records.drawn_dataset import draw_clips
from support.records.drawn_dataset import write_dataset


def test_it_comes_back_from_json():
    description = describe(
        THREE, multi_label=True, seed=7, settings={"a": [1, "x"], "b": None}
    )
    values = json.loads(json.dumps(description.to_json()))
    assert Description.from_json(values) == description


def test_it_is_read_where_the_records_are_missing(tmp_path):
    description = describe(THREE)
    write_dataset(tmp_path, description, train=[draw_clips(description, 2)])
    for path in tmp_path.glob("*.tfrecord"):
        path.unlink()
    assert Description.load(tmp_path) == description


def test_it_is_read_where_no_file_is_listed(tmp_path):
    values = {**describe(THREE).to_json(), "serving": {"top_k": 5}}
    (tmp_path / "manifest.json").write_text(json.dumps(values))
    assert Description.load(tmp_path) == describe(THREE)


@pytest.mark.parametrize(
    "text, error, said",
    [
        (None, FileNotFoundError, "which has none. A program"),
        ('{"format_version": 9}', ValueError, "format_version 1. Received: 9"),
    ],
)
def test_a_folder_without_a_description_is_refused(text, error, said, tmp_path):
    if text:
        (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(error, match=said):
        Description.load(tmp_path)


def test_its_json_is_the_documented_one():
    description = describe(
        {"flow": Modality(4, "uint8", (-2, 2))}, seed=7, settings={"fps": 5}
    )
    assert description.to_json() == {
        "format_version": 1,
        "name": "tiny",
        "seed": 7,
        "settings": {"fps": 5},
        "multi_label": False,
        "modalities": {
            "flow": {"dim": 4, "dtype": "uint8", "value_range": [-2.0, 2.0]}
        },
        "class_names": ["run", "jump", "swim", "fly"],
    }


def test_modalities_keep_their_order_through_json():
    values = json.loads(json.dumps(describe(THREE).to_json()))
    assert list(Description.from_json(values).modalities) == list(THREE)


def test_a_class_for_every_name():
    assert describe(class_names=["a", "b", "c"]).num_classes == 3


@pytest.mark.parametrize("name", ["id", "labels", "r g b", "", "4k", "a/b"])
def test_a_modality_of_a_name_that_cannot_be_is_refused(name):
    message = f"'rgb'.*Received: {re.escape(repr([name]))}"
    with pytest.raises(ValueError, match=message):
        describe({"rgb": Modality(3), name: Modality(2)})


def test_no_modality_is_refused():
    with pytest.raises(ValueError, match="Received: no modality"):
        Description("tiny", ("a",), {})


def test_select_keeps_the_modalities_asked_for():
    chosen = describe(THREE).select(["flow", "rgb"])
    assert chosen.modalities == {"flow": THREE["flow"], "rgb": THREE["rgb"]}
    assert describe(THREE).select(None) == describe(THREE)


def test_select_refuses_a_modality_that_is_not_there():
    message = re.escape(
        "['rgb', 'audio', 'flow'], which tiny has. Received: ['x']"
    )
    with pytest.raises(ValueError, match=message):
        describe(THREE).select(["rgb", "x"])
