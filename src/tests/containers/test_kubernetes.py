"""The Kubernetes manifests: valid by the published schemas, consistent with the images and the settings, hardened."""

import copy
import os
import re

import kubernetes_validate
import pytest
import yaml

import invsys
from invsys.gateway import manage as gateway_manage
from invsys.gateway import settings as gateway_settings
from invsys.inventory import manage as inventory_manage
from invsys.inventory import settings as inventory_settings
from tests.support.compose_files import FULL, services, text
from tests.support.paths import MANUAL, PROJECT
from tests.support.tables import table_driven

# The versions of Kubernetes that the manual names.
VERSIONS = ["1.32", "1.37"]
FILES = sorted((PROJECT / "docker/kubernetes").iterdir())
DOCUMENTS = {
    f"{document['kind']} {document['metadata']['name']}": document
    for file in FILES
    for document in yaml.safe_load_all(file.read_text())
}
PODS = {
    name: document["spec"].get("jobTemplate", document)["spec"]["template"]
    for name, document in DOCUMENTS.items()
    if document["kind"] in ("Deployment", "Job", "CronJob")
}
DEPLOYMENTS = {name: pod for name, pod in PODS.items() if name.startswith("Deployment")}
SERVICES = {
    "invsys-inventory": (inventory_settings, inventory_manage, 5000),
    "invsys-gateway": (gateway_settings, gateway_manage, 5001),
}
# Values of the secrets to which the manifests refer.
SECRETS = {
    ("invsys-database", "service-url"): "postgresql://invsys:x@db.example/invsys",
    ("invsys-database", "owner-url"): "postgresql://invsys_owner:x@db.example/invsys",
    ("invsys-gateway-secret", "secret"): "0123456789abcdef",
}


def container(pod):
    [only] = pod["spec"]["containers"]
    return only


def image(pod):
    """Return the name of a pod's image without the registry, and its tag."""
    return container(pod)["image"].rpartition("/")[2].split(":")


def settings_of(pod):
    """Load the settings from the environment of a pod, with values for its secrets."""
    environ = {"INVSYS_CONFIG": os.devnull}
    for variable in container(pod)["env"]:
        reference = variable.get("valueFrom", {}).get("secretKeyRef")
        environ[variable["name"]] = SECRETS[reference["name"], reference["key"]] if reference else variable["value"]
    return SERVICES[image(pod)[0]][0].load(environ=environ)


@pytest.mark.parametrize("version", VERSIONS)
def test_every_manifest_is_valid_in_the_published_schema(version):
    for document in DOCUMENTS.values():
        # With "strict", unknown fields are errors.
        assert kubernetes_validate.validate(document, version, strict=True) == version


@table_driven(
    ("path", "value"),
    [
        (("spec", "replicas"), "two"),
        (("spec", "replica"), 2),
        (("spec", "template", "spec", "containers", 0, "livenessProbe", "httpGet", "ports"), 5000),
        (("spec", "template", "spec", "securityContext", "readOnlyRootFilesystem"), True),
    ],
)
def test_a_mistake_in_a_manifest_is_found(path, value):
    document = copy.deepcopy(DOCUMENTS["Deployment inventory"])
    item = document
    for step in path[:-1]:
        item = item[step]
    item[path[-1]] = value
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(document, VERSIONS[0], strict=True)


def test_the_page_names_the_files_and_the_versions():
    page = (MANUAL / "kubernetes.rst").read_text()
    assert re.findall(r"^``(\S+\.yaml)``", page, re.MULTILINE) == [
        "namespace.yaml",
        "inventory.yaml",
        "gateway.yaml",
        "migrations.yaml",
        "purge.yaml",
        "archive.yaml",
    ]
    assert {file.name for file in FILES} == set(re.findall(r"^``(\S+\.yaml)``", page, re.MULTILINE))
    assert re.search(r"Kubernetes (\S+) and (\S+)\. ", page).groups() == tuple(VERSIONS)
    assert set(re.findall(r"registry\.example/\S+", page)) == {container(pod)["image"] for pod in PODS.values()}


@table_driven("name", PODS)
def test_a_pod_has_the_image_of_the_compose_file_in_this_version(name):
    images = {service["image"] for service in services(FULL).values()}
    name, tag = image(PODS[name])
    assert name in images & SERVICES.keys()
    assert tag == invsys.__version__


@table_driven("name", PODS)
def test_the_settings_of_a_pod_are_valid(name):
    settings = settings_of(PODS[name])
    assert PODS[name]["spec"]["enableServiceLinks"] is False
    assert "INVSYS_SERVER_HOST=0.0.0.0" in text("Dockerfile")
    grace = PODS[name]["spec"].get("terminationGracePeriodSeconds")
    if name in DEPLOYMENTS:
        pause = int(container(PODS[name])["lifecycle"]["preStop"]["exec"]["command"][1])
        assert grace > settings["server"]["graceful_timeout"] + pause


def test_the_gateway_reaches_the_inventory_and_sends_its_secret():
    gateway, inventory = (settings_of(DEPLOYMENTS[f"Deployment {name}"]) for name in ("gateway", "inventory"))
    assert gateway["services"]["inventory"] == "http://inventory:5000"
    assert inventory["server"]["allowed_hosts"] == "inventory"
    assert gateway["upstream"]["secret"] == inventory["server"]["gateway_secret"] != ""


def test_only_the_migrations_use_the_role_that_owns_the_tables():
    keys = {
        name: variable["valueFrom"]["secretKeyRef"]["key"]
        for name, pod in PODS.items()
        for variable in container(pod)["env"]
        if variable["name"] == "INVSYS_DATABASE_URL"
    }
    assert keys == {
        "Deployment inventory": "service-url",
        "CronJob archive": "service-url",
        "CronJob purge": "service-url",
        "Job migrations": "owner-url",
    }


@table_driven("name", PODS)
def test_a_pod_runs_an_existing_command(name):
    command = container(PODS[name])["args"][0]
    assert command in SERVICES[image(PODS[name])[0]][1].manager()._commands


@table_driven("name", DEPLOYMENTS)
def test_the_probes_and_the_service_use_the_port_of_the_image(name):
    short = name.removeprefix("Deployment ")
    only, port = container(DEPLOYMENTS[name]), SERVICES[f"invsys-{short}"][2]
    assert f"EXPOSE {port}\n" in text("Dockerfile")
    assert only["ports"] == [{"name": "http", "containerPort": port}]
    paths = {kind: only[f"{kind}Probe"]["httpGet"] for kind in ("startup", "liveness", "readiness")}
    assert {probe["port"] for probe in paths.values()} == {"http"}
    assert [probe["path"] for probe in paths.values()] == ["/healthz", "/healthz", "/readyz"]
    [published] = DOCUMENTS[f"Service {short}"]["spec"]["ports"]
    assert (published["port"], published["targetPort"]) == (port, "http")


@table_driven("name", DEPLOYMENTS)
def test_a_liveness_probe_waits_until_the_requests_before_it_are_done(name):
    gateway, inventory = (settings_of(DEPLOYMENTS[f"Deployment {short}"]) for short in ("gateway", "inventory"))
    replicas = DOCUMENTS["Deployment gateway"]["spec"]["replicas"]
    # All requests that the gateways forward at once, to one pod whose statements all reach their timeout.
    rounds = replicas * threads(gateway) / threads(inventory)
    probe = container(DEPLOYMENTS[name])["livenessProbe"]
    assert probe["timeoutSeconds"] > 1.5 * rounds * inventory["database"]["statement_timeout"]
    assert probe["timeoutSeconds"] > gateway["upstream"]["read_timeout"]
    assert probe["timeoutSeconds"] * probe["failureThreshold"] >= 600


def threads(settings):
    return settings["server"]["workers"] * settings["server"]["threads"]


@table_driven("name", DEPLOYMENTS)
def test_the_selectors_match_the_pods(name):
    short = name.removeprefix("Deployment ")
    labels = DEPLOYMENTS[name]["metadata"]["labels"]
    selectors = [DOCUMENTS[f"{kind} {short}"]["spec"]["selector"] for kind in ("Deployment", "PodDisruptionBudget")]
    assert [selector["matchLabels"] for selector in selectors] == [labels, labels]
    assert DOCUMENTS[f"Service {short}"]["spec"]["selector"] == labels
    assert DOCUMENTS[name]["spec"]["replicas"] > DOCUMENTS[f"PodDisruptionBudget {short}"]["spec"]["minAvailable"]


def test_only_the_gateway_and_the_monitoring_reach_the_inventory():
    policy = DOCUMENTS["NetworkPolicy inventory"]["spec"]
    assert policy["podSelector"]["matchLabels"] == DEPLOYMENTS["Deployment inventory"]["metadata"]["labels"]
    [rule] = policy["ingress"]
    assert rule["from"][0]["podSelector"]["matchLabels"] == DEPLOYMENTS["Deployment gateway"]["metadata"]["labels"]
    assert len(rule["from"]) == 2


@table_driven("name", PODS)
def test_a_pod_has_no_privileges(name):
    pod, only = PODS[name]["spec"], container(PODS[name])
    assert pod["automountServiceAccountToken"] is False
    identity = {key: pod["securityContext"][key] for key in ("runAsNonRoot", "runAsUser", "runAsGroup", "fsGroup")}
    assert identity == {"runAsNonRoot": True, "runAsUser": 10001, "runAsGroup": 10001, "fsGroup": 10001}
    assert "USER 10001:10001\n" in text("Dockerfile")
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert only["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
    }
    writable = {mount["mountPath"] for mount in only["volumeMounts"] if not mount.get("readOnly")}
    assert writable == {"/tmp"}
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    assert {mount["name"] for mount in only["volumeMounts"]} == set(volumes)
    # The gateway refuses a file of clients that the group can write to.
    assert {volume["secret"]["defaultMode"] for volume in volumes.values() if "secret" in volume} <= {0o440}


@table_driven("name", PODS)
def test_a_pod_requests_resources_and_limits_memory(name):
    resources = container(PODS[name])["resources"]
    assert resources["requests"].keys() == {"cpu", "memory"}
    assert resources["limits"].keys() == {"memory"}


@pytest.mark.parametrize("name", ["purge", "archive"])
def test_a_job_runs_daily_and_not_twice_at_once(name):
    spec = DOCUMENTS[f"CronJob {name}"]["spec"]
    assert re.fullmatch(r"\d+ \d+ \* \* \*", spec["schedule"])
    assert spec["concurrencyPolicy"] == "Forbid"
    # A run that hangs has ended before the next one.
    assert spec["jobTemplate"]["spec"]["activeDeadlineSeconds"] < 86400


@table_driven("name", DEPLOYMENTS)
def test_the_pods_are_spread_over_the_nodes(name):
    spec = DOCUMENTS[name]["spec"]
    [constraint] = spec["template"]["spec"]["topologySpreadConstraints"]
    assert constraint["topologyKey"] == "kubernetes.io/hostname"
    assert constraint["labelSelector"] == spec["selector"]


def test_the_gateway_has_disk_space_for_the_responses_of_all_threads():
    settings, pod = settings_of(DEPLOYMENTS["Deployment gateway"]), DEPLOYMENTS["Deployment gateway"]["spec"]
    [directory] = [volume["emptyDir"] for volume in pod["volumes"] if volume["name"] == "tmp"]
    size = re.fullmatch(r"(\d+)Gi", directory["sizeLimit"])
    assert int(size[1]) * 2**30 > threads(settings) * settings["upstream"]["max_answer"]
    # Otherwise the files would count as memory of the container.
    assert "medium" not in directory


def test_nothing_is_archived_by_default():
    assert settings_of(PODS["CronJob archive"])["history"]["keep"] == 0


def test_the_jobs_run_the_commands_of_the_manual():
    jobs = [container(pod)["args"] for name, pod in PODS.items() if name not in DEPLOYMENTS]
    assert jobs == [["archive"], ["migrate"], ["purge"]]
