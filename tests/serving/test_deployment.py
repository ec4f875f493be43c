"""write_deployment: which files, and what it refuses."""

import re

import pytest

from ac_keras import serving
from ac_keras.serving import write_deployment
from support.serving.deployed_files import FILES
from support.serving.deployed_files import read_batching
from support.serving.deployed_files import read_compose
from support.serving.deployed_files import read_kubernetes


def test_no_file_looks_like_a_version(tmp_path):
    write_deployment(tmp_path, "model")
    assert sorted(path.name for path in tmp_path.iterdir()) == FILES


def test_the_folder_is_made_and_what_was_written_is_told(tmp_path):
    written = write_deployment(tmp_path / "new" / "model", "model")
    assert sorted(path.name for path in written) == FILES
    assert all(path.is_file() for path in written)


def test_a_changed_file_stays_and_a_missing_one_comes_back(tmp_path):
    write_deployment(tmp_path, "model")
    (tmp_path / "docker-compose.yml").write_text("# mine\n")
    (tmp_path / "kubernetes.yaml").unlink()
    written = write_deployment(tmp_path, "model")
    assert written == [tmp_path / "kubernetes.yaml"]
    assert (tmp_path / "docker-compose.yml").read_text() == "# mine\n"


def test_files_of_another_model_are_not_mixed_with_new_ones(tmp_path):
    write_deployment(tmp_path, "model")
    (tmp_path / "kubernetes.yaml").unlink()
    with pytest.raises(ValueError, match=r"Received: \['model'\].*remove"):
        write_deployment(tmp_path, "other")
    assert not (tmp_path / "kubernetes.yaml").exists()


def test_a_models_config_may_have_further_models(tmp_path):
    write_deployment(tmp_path, "other")
    text = (tmp_path / "models.config").read_text()
    (tmp_path / "models.config").write_text(
        text + 'model_config_list { config { \n name: "model" } }\n'
    )
    assert write_deployment(tmp_path, "model") == []


@pytest.mark.parametrize("file_name", FILES)
def test_a_head_says_version_and_start(tmp_path, file_name):
    write_deployment(tmp_path, "model")
    lines = (tmp_path / file_name).read_text().splitlines()
    comments = [line.startswith("#") for line in lines]
    head = "\n".join(lines[: comments.index(False)])
    assert "TensorFlow Serving 2.20.0" in head
    assert re.search(r"\n#   (docker|kubectl|tensorflow_|--enable)", head)


@pytest.mark.parametrize(
    "size, allowed",
    [
        (64, [1, 2, 4, 8, 16, 32, 64]),
        (100, [1, 2, 4, 8, 16, 32, 64, 100]),
        (1, [1]),
    ],
)
def test_a_server_takes_the_batching_parameters(tmp_path, size, allowed):
    """It wants the allowed sizes to ascend to the largest."""
    write_deployment(tmp_path, "model", max_batch_size=size)
    batching = read_batching(tmp_path)
    assert batching.max_batch_size.value == size
    assert list(batching.allowed_batch_sizes) == allowed
    assert batching.num_batch_threads.value >= 1
    assert batching.max_enqueued_batches.value >= 1
    assert batching.batch_timeout_micros.value > 0


def test_clips_of_unlike_lengths_can_share_a_batch(tmp_path):
    write_deployment(tmp_path, "model")
    assert read_batching(tmp_path).pad_variable_length_inputs


@pytest.mark.parametrize("name", ["no", "m", "a" * 57, "X__y-1"])
def test_a_name_that_fits_everywhere_is_taken(tmp_path, name):
    write_deployment(tmp_path, name)
    service, _ = read_compose(tmp_path)
    documents = read_kubernetes(tmp_path).values()
    for label in [service, *(x["metadata"]["name"] for x in documents)]:
        assert re.fullmatch(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?", label)


@pytest.mark.parametrize(
    "name", ["", "3d", "a/b", "a b", "a:b", "über", 'a"', "a-", "a" * 58, "a\n"]
)
def test_a_name_that_does_not_is_refused(tmp_path, name):
    message = re.escape(f"Received: model_name={name!r}.")
    with pytest.raises(ValueError, match=f"expects a model_name.*{message}"):
        write_deployment(tmp_path, name)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "image",
    ["tensorflow/serving", "", 'a:"1"', "a:1\nb", "tensorflow/serving:"],
)
def test_an_image_without_a_tag_is_refused(tmp_path, image):
    with pytest.raises(ValueError, match="expects an image with its tag"):
        write_deployment(tmp_path, "model", image=image)


def test_a_batch_of_no_clip_is_refused(tmp_path):
    with pytest.raises(ValueError, match="Received: max_batch_size=0"):
        write_deployment(tmp_path, "model", max_batch_size=0)


@pytest.mark.parametrize(
    ("name", "fitting"),
    [
        ("flash_mnist", "flash_mnist"),
        ("Kinetics-400", "Kinetics_400"),
        ("8m: naïve!", "model_8m_na_ve"),
        ("数字", "model"),
        ("", "model"),
        ("x" * 56 + " y", "x" * 56),
    ],
)
def test_any_name_has_one_that_fits(name, fitting):
    assert serving.fitting_model_name(name) == fitting
    serving.check_model_name(fitting)
