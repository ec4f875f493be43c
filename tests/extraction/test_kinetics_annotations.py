"""Kinetics' official annotations, made up."""

import json

import pytest

from ac_keras.annotations.kinetics import read_annotations

TRAIN = (
    "label,youtube_id,time_start,time_end,split,is_cc\n"
    '"petting animal (not cat)",-3B32lodo2M,59,69,train,0\n'
    "massaging person's head,_dbcJuKJQNs,0,10,train,1\n"
)
VALIDATE = "label,youtube_id,time_start,time_end,split\nkissing,a,104,114,{}\n"
TEST = "youtube_id,time_start,time_end,split\nb,1,11,test\nc,2,12,test\n"
JSON = {
    "-3B32lodo2M": {
        "annotations": {"label": "kissing", "segment": [59.0, 69.0]},
        "duration": 10.0,
        "subset": "train",
        "url": "",
    },
    "b": {"duration": 10.0, "subset": "test", "url": ""},
}


@pytest.fixture
def write(tmp_path):
    def write_files(**texts):
        paths = []
        for name, text in texts.items():
            name, _, suffix = name.rpartition("_")
            paths.append(tmp_path / f"{name}.{suffix}")
            paths[-1].write_text(text)
        return paths

    return write_files


def test_training_and_validation_are_read_and_the_test_is_left_out(write):
    texts = {"val_csv": VALIDATE.format("val"), "test_csv": TEST}
    clips, left_out = read_annotations(write(train_csv=TRAIN, **texts))
    assert left_out == 2
    assert [clip[:4] for clip in clips] == [
        (
            "-3B32lodo2M_000059_000069.mp4",
            "petting animal (not cat)",
            "train",
            "-3B32lodo2M",
        ),
        (
            "_dbcJuKJQNs_000000_000010.mp4",
            "massaging person's head",
            "train",
            "_dbcJuKJQNs",
        ),
        ("a_000104_000114.mp4", "kissing", "test", "a"),
    ]


@pytest.mark.parametrize("split", ["val", "validate", "validation"])
def test_the_official_validation_clips_are_our_test(write, split):
    clips, _ = read_annotations(write(x_csv=VALIDATE.format(split)))
    assert clips[0].split == "test"


def test_the_json_form_is_read(write):
    clips, left_out = read_annotations(write(train_json=json.dumps(JSON)))
    assert [clip[:3] for clip in clips] == [
        ("-3B32lodo2M_000059_000069.mp4", "kissing", "train")
    ]
    assert left_out == 1


@pytest.mark.parametrize(
    "files, message",
    [
        ({"a_csv": "path,label\nx,y\n"}, r"Received: \['path', 'label'\]"),
        ({"a_csv": ""}, "Received: None"),
        ({"a_csv": TRAIN.replace("train", "dev")}, "line 2.*split='dev'"),
        ({"a_csv": TRAIN + ",z,1,2,train,0\n"}, "two times in .*line 4"),
        ({"a_csv": TRAIN + "x,z,,2,train,0\n"}, "'x', 'z', '', '2'"),
        ({"a_csv": TEST}, "2 clips of the test"),
        ({"a_json": "[]"}, "Expected {.ID.*AttributeError"),
        ({"a_json": '{"a": {}}'}, "KeyError"),
        ({"a_json": "{"}, "JSONDecodeError"),
        (
            {"a_csv": TRAIN, "b_csv": TRAIN},
            "-3B32.*line 2 and .*b.csv, line",
        ),
        ({"a_csv": TRAIN, "b_json": json.dumps(JSON)}, "CSV or JSON"),
    ],
)
def test_files_that_are_not_as_they_must_be_are_refused(write, files, message):
    with pytest.raises(ValueError, match=message):
        read_annotations(write(**files))


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="train.csv. Received"):
        read_annotations([tmp_path / "train.csv"])
