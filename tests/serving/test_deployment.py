"""write_deployment: its files, how they fit together, and its errors."""

import contextlib
import re
import shutil
import subprocess

import pytest
import yaml
from google.protobuf import descriptor_pb2
from google.protobuf import descriptor_pool
from google.protobuf import message_factory
from google.protobuf import text_format
from google.protobuf import wrappers_pb2

from ac_keras import serving
from ac_keras.serving import write_deployment
from ac_keras.serving.deployment import IMAGE
from support.serving.model_server import free_port
from support.serving.scripted_server import serve_answer

FILES = [
    "batching.config",
    "docker-compose.yml",
    "kubernetes.yaml",
    "models.config",
]
CONTAINER_FILES = ("docker-compose.yml", "kubernetes.yaml")
NAME = "Flash_MNIST-2"
# TensorFlow Serving's BatchingParameters, for no package has the message.
BATCHING = """
name: "batching_parameters.proto"
syntax: "proto3"
dependency: "google/protobuf/wrappers.proto"
message_type {
  name: "BatchingParameters"
  field { name: "allowed_batch_sizes" number: 6
          label: LABEL_REPEATED type: TYPE_INT64 }
  field { name: "pad_variable_length_inputs" number: 7
          label: LABEL_OPTIONAL type: TYPE_BOOL }
}
"""
WRAPPED = {
    "max_batch_size": (1, "Int64Value"),
    "batch_timeout_micros": (2, "Int64Value"),
    "max_enqueued_batches": (3, "Int64Value"),
    "num_batch_threads": (4, "Int64Value"),
    "thread_pool_name": (5, "StringValue"),
    "enable_large_batch_splitting": (8, "BoolValue"),
    "max_execution_batch_size": (9, "Int64Value"),
}


def read_batching(folder):
    """batching.config, in a message with the fields of BatchingParameters."""
    file = descriptor_pb2.FileDescriptorProto()
    text_format.Parse(BATCHING, file)
    for name, (number, kind) in WRAPPED.items():
        file.message_type[0].field.add(
            name=name,
            number=number,
            label="LABEL_OPTIONAL",
            type="TYPE_MESSAGE",
            type_name=f".google.protobuf.{kind}",
        )
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(wrappers_pb2.DESCRIPTOR.serialized_pb)
    pool.Add(file)
    descriptor = pool.FindMessageTypeByName("BatchingParameters")
    text = (folder / "batching.config").read_text()
    return text_format.Parse(
        text, message_factory.GetMessageClass(descriptor)()
    )


def read_compose(folder):
    """The one service of docker-compose.yml, and its name."""
    text = (folder / "docker-compose.yml").read_text()
    ((name, service),) = yaml.safe_load(text)["services"].items()
    return name, service


def read_kubernetes(folder):
    """The documents of kubernetes.yaml by kind."""
    documents = yaml.safe_load_all((folder / "kubernetes.yaml").read_text())
    return {document["kind"]: document for document in documents}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with the files of the model NAME."""
    folder = tmp_path_factory.mktemp("served")
    write_deployment(folder, NAME)
    return folder


@pytest.fixture(scope="module")
def compose(folder):
    return read_compose(folder)[1]


@pytest.fixture(scope="module")
def kubernetes(folder):
    return read_kubernetes(folder)


@pytest.fixture(scope="module")
def pod(kubernetes):
    return kubernetes["Deployment"]["spec"]["template"]


@pytest.fixture(scope="module")
def container(pod):
    (container,) = pod["spec"]["containers"]
    return container


@pytest.fixture(scope="module")
def model_config(folder):
    """The one model of models.config, read as a server does."""
    messages = pytest.importorskip(
        "tensorflow_serving.config.model_server_config_pb2"
    )
    config = text_format.Parse(
        (folder / "models.config").read_text(), messages.ModelServerConfig()
    )
    (model,) = config.model_config_list.config
    return model


def test_all_files_are_written_and_none_looks_like_a_version(tmp_path):
    written = write_deployment(tmp_path / "new" / "model", "model")
    assert sorted(path.name for path in written) == FILES
    assert sorted((tmp_path / "new" / "model").iterdir()) == sorted(written)


def test_a_changed_file_stays_and_a_missing_one_comes_back(tmp_path):
    write_deployment(tmp_path, "model")
    (tmp_path / "docker-compose.yml").write_text("# mine\n")
    (tmp_path / "kubernetes.yaml").unlink()
    with pytest.raises(ValueError, match=r"Received: \['model'\].*delete"):
        write_deployment(tmp_path, "other")  # files of two models
    assert not (tmp_path / "kubernetes.yaml").exists()
    written = write_deployment(tmp_path, "model")
    assert written == [tmp_path / "kubernetes.yaml"]
    assert (tmp_path / "docker-compose.yml").read_text() == "# mine\n"


def test_a_models_config_may_have_further_models(tmp_path):
    write_deployment(tmp_path, "other")
    with open(tmp_path / "models.config", "a") as file:
        file.write('model_config_list { config { \n name: "model" } }\n')
    assert write_deployment(tmp_path, "model") == []


@pytest.mark.parametrize(
    "size, allowed",
    [
        (64, [1, 2, 4, 8, 16, 32, 64]),
        (100, [1, 2, 4, 8, 16, 32, 64, 100]),
        (1, [1]),
    ],
)
def test_a_server_takes_the_batching_parameters(tmp_path, size, allowed):
    """It requires allowed sizes that ascend to the largest."""
    write_deployment(tmp_path, "model", max_batch_size=size)
    batching = read_batching(tmp_path)
    assert batching.max_batch_size.value == size
    assert list(batching.allowed_batch_sizes) == allowed
    assert batching.num_batch_threads.value >= 1
    assert batching.max_enqueued_batches.value >= 1
    assert batching.batch_timeout_micros.value > 0
    assert batching.pad_variable_length_inputs  # for clips of other lengths


@pytest.mark.parametrize("name", ["no", "m", "a" * 57, "X__y-1"])
def test_a_valid_name_is_valid_everywhere(tmp_path, name):
    write_deployment(tmp_path, name)
    service, _ = read_compose(tmp_path)
    documents = read_kubernetes(tmp_path).values()
    for label in [service, *(x["metadata"]["name"] for x in documents)]:
        assert re.fullmatch(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?", label)


NAMES = ("", "3d", "a/b", "a b", "a:b", "über", 'a"', "a-", "a" * 58, "a\n")
IMAGES = ("tensorflow/serving", "", 'a:"1"', "a:1\nb", "tensorflow/serving:")
INVALID = [
    *((x, {}, "expects a model_name", f"model_name={x!r}.") for x in NAMES),
    *(("a", {"image": x}, "with its tag", f"image={x!r}.") for x in IMAGES),
    ("a", {"max_batch_size": 0}, "", "max_batch_size=0"),
]


@pytest.mark.parametrize("name, options, expected, received", INVALID)
def test_invalid_names_images_and_sizes_are_rejected(
    name, options, expected, received, tmp_path
):
    message = f"{expected}.*Received: .*{re.escape(received)}"
    with pytest.raises(ValueError, match=message):
        write_deployment(tmp_path, name, **options)
    assert not list(tmp_path.iterdir())


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
def test_any_name_has_a_valid_one(name, fitting):
    assert serving.fitting_model_name(name) == fitting
    serving.check_model_name(fitting)


def test_both_containers_serve_the_model_of_the_models_config(
    model_config, compose, container
):
    assert model_config.name == NAME
    assert model_config.model_platform == "tensorflow"
    assert model_config.model_version_policy.latest.num_versions == 1
    assert model_config.base_path == f"/models/{NAME}"
    (volume,) = compose["volumes"]
    mounts = {x["name"]: x for x in container["volumeMounts"]}
    assert volume["source"] == "."
    assert volume["target"] == model_config.base_path
    assert mounts["model"]["mountPath"] == model_config.base_path
    assert volume["read_only"] and mounts["model"]["readOnly"]
    flag = f"--model_config_file=/models/{NAME}/models.config"
    assert compose["command"] == container["args"] == [flag]
    assert compose["image"] == container["image"] == IMAGE
    assert IMAGE == "tensorflow/serving:2.20.0"


def test_another_image_can_be_set(tmp_path):
    image = "registry.example.com:5000/team/tensorflow-serving:2.19.1"
    write_deployment(tmp_path, "model", image=image)
    for file_name in CONTAINER_FILES:
        assert f'image: "{image}"\n' in (tmp_path / file_name).read_text()


def test_uncommented_flags_turn_batching_on(folder):
    flags = [
        f"--model_config_file=/models/{NAME}/models.config",
        "--enable_batching=true",
        f"--batching_parameters_file=/models/{NAME}/batching.config",
    ]
    for file_name in CONTAINER_FILES:
        text = (folder / file_name).read_text()
        text = re.sub(r"# (- \"--)", r"\1", text)
        lists = re.findall(r"(?m)(?:command|args):\n((?: +[-#].*\n)+)", text)
        assert [yaml.safe_load(x) for x in lists] == [flags]


def test_ports_lead_to_the_server(compose, kubernetes, pod, container):
    ports = ["127.0.0.1:8500:8500", "127.0.0.1:8501:8501"]
    assert compose["ports"] == ports
    service = kubernetes["Service"]["spec"]
    named = {x["name"]: x["containerPort"] for x in container["ports"]}
    assert named == {"grpc": 8500, "rest": 8501}
    assert {x["targetPort"]: x["port"] for x in service["ports"]} == named
    labels = pod["metadata"]["labels"]
    assert service["selector"] == labels
    assert kubernetes["Deployment"]["spec"]["selector"]["matchLabels"] == labels


def test_kubernetes_names_are_lower_case_with_hyphens(kubernetes, pod):
    names = {kind: x["metadata"]["name"] for kind, x in kubernetes.items()}
    claim = "flash-mnist-2-model"
    assert names == {
        "Deployment": "flash-mnist-2",
        "Service": "flash-mnist-2",
        "PersistentVolumeClaim": claim,
    }
    volumes = {x["name"]: x for x in pod["spec"]["volumes"]}
    assert volumes["model"]["persistentVolumeClaim"]["claimName"] == claim


def test_probes_ask_for_the_model_under_its_own_name(container):
    for kind, path in (
        ("startup", f"/v1/models/{NAME}"),
        ("liveness", f"/v1/models/{NAME}"),
        ("readiness", f"/v1/models/{NAME}/metadata"),
    ):
        assert container[f"{kind}Probe"]["httpGet"]["path"] == path


def test_neither_container_runs_as_root_or_writes(compose, container, pod):
    assert compose["user"] == "65534:65534"
    assert compose["read_only"] and compose["cap_drop"] == ["ALL"]
    assert pod["spec"]["securityContext"]["runAsNonRoot"]
    context = container["securityContext"]
    assert context["readOnlyRootFilesystem"]
    assert context["capabilities"] == {"drop": ["ALL"]}
    assert not context["allowPrivilegeEscalation"]


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash not installed")
@pytest.mark.parametrize("status", [200, 404, 500, None])
def test_only_a_loaded_model_is_healthy(tmp_path, status):
    """Runs the health check as Docker does, but with another port."""
    write_deployment(tmp_path, "model")
    kind, *command = read_compose(tmp_path)[1]["healthcheck"]["test"]
    assert kind == "CMD" and "/dev/tcp/127.0.0.1/8501" in command[-1]
    answer = serve_answer(status, path="/v1/models/model/metadata")
    if status is None:  # nothing listens
        answer = contextlib.nullcontext(free_port())
    with answer as port:
        command[-1] = command[-1].replace("/8501", f"/{port}")
        command[-1] = command[-1].replace("$$", "$")
        result = subprocess.run(command, capture_output=True, timeout=60)
    assert (result.returncode == 0) == (status == 200)
