"""What docker-compose.yml, kubernetes.yaml and models.config say together."""

import re

import pytest
import yaml
from google.protobuf import text_format

from ac_keras.serving import write_deployment
from ac_keras.serving.deployment import IMAGE
from support.serving.deployed_files import read_compose
from support.serving.deployed_files import read_kubernetes
from support.serving.deployed_files import with_batching

NAME = "Flash_MNIST-2"
CONTAINER_FILES = ("docker-compose.yml", "kubernetes.yaml")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with the files of the model NAME."""
    folder = tmp_path_factory.mktemp("served")
    write_deployment(folder, NAME)
    return folder


@pytest.fixture(scope="module")
def compose(folder):
    """The one service of docker-compose.yml."""
    return read_compose(folder)[1]


@pytest.fixture(scope="module")
def kubernetes(folder):
    """The documents of kubernetes.yaml by kind."""
    return read_kubernetes(folder)


@pytest.fixture(scope="module")
def pod(kubernetes):
    """What the Deployment says of its pods."""
    return kubernetes["Deployment"]["spec"]["template"]


@pytest.fixture(scope="module")
def container(pod):
    """The pod's one container."""
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


def test_the_models_config_names_the_model(model_config):
    assert model_config.name == NAME
    assert model_config.model_platform == "tensorflow"
    assert model_config.model_version_policy.latest.num_versions == 1


def test_both_containers_mount_where_the_models_config_looks(
    model_config, compose, container
):
    (volume,) = compose["volumes"]
    mounts = {x["name"]: x for x in container["volumeMounts"]}
    assert model_config.base_path == f"/models/{NAME}"
    assert volume["target"] == model_config.base_path
    assert mounts["model"]["mountPath"] == model_config.base_path
    assert volume["read_only"] and mounts["model"]["readOnly"]


def test_compose_mounts_the_folder_it_lies_in(compose):
    assert [x["source"] for x in compose["volumes"]] == ["."]


def test_both_containers_are_given_the_models_config(compose, container):
    flag = f"--model_config_file=/models/{NAME}/models.config"
    assert compose["command"] == container["args"] == [flag]


def test_both_containers_have_one_pinned_image(compose, container):
    assert compose["image"] == container["image"] == IMAGE
    assert IMAGE == "tensorflow/serving:2.20.0"


def test_another_image_can_be_had(tmp_path):
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
        text = with_batching((folder / file_name).read_text())
        lists = re.findall(r"(?m)(?:command|args):\n((?: +[-#].*\n)+)", text)
        assert [yaml.safe_load(x) for x in lists] == [flags]


def test_compose_opens_both_ports_to_this_machine_alone(compose):
    ports = ["127.0.0.1:8500:8500", "127.0.0.1:8501:8501"]
    assert compose["ports"] == ports


def test_the_service_leads_to_the_ports_of_the_pods(kubernetes, pod, container):
    service = kubernetes["Service"]["spec"]
    named = {x["name"]: x["containerPort"] for x in container["ports"]}
    assert named == {"grpc": 8500, "rest": 8501}
    assert {x["targetPort"]: x["port"] for x in service["ports"]} == named
    labels = pod["metadata"]["labels"]
    assert service["selector"] == labels
    assert kubernetes["Deployment"]["spec"]["selector"]["matchLabels"] == labels


def test_the_claim_is_the_volume_of_the_pods(kubernetes, pod):
    volumes = {x["name"]: x for x in pod["spec"]["volumes"]}
    claim = kubernetes["PersistentVolumeClaim"]["metadata"]["name"]
    assert volumes["model"]["persistentVolumeClaim"]["claimName"] == claim


def test_kubernetes_names_are_lower_case_with_hyphens(kubernetes):
    names = {kind: x["metadata"]["name"] for kind, x in kubernetes.items()}
    assert names == {
        "Deployment": "flash-mnist-2",
        "Service": "flash-mnist-2",
        "PersistentVolumeClaim": "flash-mnist-2-model",
    }


def test_probes_ask_for_the_model_under_its_own_name(container):
    paths = {
        kind: container[f"{kind}Probe"]["httpGet"]["path"]
        for kind in ("startup", "liveness", "readiness")
    }
    status = f"/v1/models/{NAME}"
    assert paths == {
        "startup": status,
        "liveness": status,
        "readiness": f"{status}/metadata",
    }


def test_neither_container_runs_as_root_or_writes(compose, container, pod):
    assert compose["user"] == "65534:65534"
    assert compose["read_only"] and compose["cap_drop"] == ["ALL"]
    assert pod["spec"]["securityContext"]["runAsNonRoot"]
    context = container["securityContext"]
    assert context["readOnlyRootFilesystem"]
    assert context["capabilities"] == {"drop": ["ALL"]}
    assert not context["allowPrivilegeEscalation"]
