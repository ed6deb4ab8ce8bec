"""What jobs will ask of SLURM, from config.yaml and a profile, without any SLURM."""

import re
from pathlib import Path

import pytest
import yaml

from pdarts.errors import InputError
from pdarts.settings.requests import Request
from pdarts.tools.cluster.site import limits
from pdarts.tools.cluster.slurm import LOCAL_STEPS, client, minutes, read_profile, requests
from pdarts.tools.workflow import Job
from tests.configuration import CONFIG, ROOT

PROFILE = read_profile(ROOT / "profiles/slurm")


def job(step: str, **options: str) -> Job:
    return Job(step, "", {name: (value,) for name, value in options.items()}, pending=True)


SEARCH = job("search", output="results/search/pdarts-cifar10/seed0/stage1.json")
IMAGENET = job("train", output="results/train/published-on-imagenet/seed0/weights.pt")


def test_a_request_joins_the_config_and_the_profile() -> None:
    (request,) = requests([SEARCH], CONFIG, PROFILE)
    assert str(request) == "search on cifar10"
    wanted = CONFIG.requests.search
    assert request.options() == [
        "--account=lab", "--partition=gpu", f"--time={wanted.minutes}", f"--mem={wanted.memory}",
        f"--cpus-per-task={CONFIG.machine.threads}", "--gpus=1", "--signal=TERM@120", "--open-mode=append",
    ]  # fmt: skip


def test_images_that_are_decoded_need_cpus() -> None:
    (request,) = requests([IMAGENET], CONFIG, PROFILE)
    processes = CONFIG.recipes["imagenet"].processes
    assert request.resources["cpus_per_task"] == processes * (CONFIG.machine.threads + CONFIG.machine.workers)
    assert request.resources["gpu"] == processes == 8
    assert request.resources["mem_mb"] == CONFIG.requests.datasets["imagenet"]["train"].memory


@pytest.mark.parametrize("order", [1, -1])
def test_jobs_on_one_dataset_that_ask_for_different_gpus_are_different_requests(order: int) -> None:
    small = CONFIG.trainings["published-on-imagenet"].model_copy(update={"recipe": "imagenet-reference"})
    config = CONFIG.model_copy(update={"trainings": {**CONFIG.trainings, "small": small}})
    asked = requests(
        [IMAGENET, job("train", output="results/train/small/seed0/weights.pt"), IMAGENET][::order], config, PROFILE
    )
    assert sorted(request.resources["gpu"] for request in asked) == [1, 8]


def test_what_runs_beside_snakemake_asks_for_nothing() -> None:
    derive = job("derive", output="results/search/pdarts-cifar10/seed0/genotype.json")
    beside = [job(step) for step in ("download", "draw", "curves", "report")]
    assert [request.rule for request in requests([*beside, derive], CONFIG, PROFILE)] == ["derive"]


def test_a_short_job_asks_for_what_its_rule_does() -> None:
    machine = CONFIG.machine.model_copy(update={"threads": 8})
    datasets = {**CONFIG.requests.datasets, "digits": {"short": Request(memory=500, minutes=5)}}
    own = CONFIG.requests.model_copy(update={"datasets": datasets})
    config = CONFIG.model_copy(update={"machine": machine, "requests": own})
    derive = job("derive", output="results/search/digits/seed0/genotype_skips1.json")
    (request,) = requests([derive], config, PROFILE)
    assert str(request) == "derive on digits"
    assert [request.resources[name] for name in ("mem_mb", "runtime", "cpus_per_task")] == [500, 5, 1]


def test_the_second_attempt_asks_for_twice_the_memory() -> None:
    (request,) = requests([IMAGENET], CONFIG, PROFILE, attempt=2)
    assert str(request) == "train on imagenet, attempt 2"
    assert request.resources["mem_mb"] == 2 * CONFIG.requests.datasets["imagenet"]["train"].memory


def test_steps_that_are_no_jobs_are_those_of_local_rules() -> None:
    (listed,) = re.findall(r"^localrules:\n((?:    \w+,\n)+)", (ROOT / "Snakefile").read_text(), re.MULTILINE)
    rules = "".join(path.read_text() for path in sorted((ROOT / "rules").glob("*.smk")))
    bodies = dict(re.findall(r"^rule (\w+):\n(.*?)(?=^\w|\Z)", rules, re.MULTILINE | re.DOTALL))
    called = [re.findall(r'command\(\s*"(\w+)"', bodies.get(name, "")) for name in listed.replace(",", "").split()]
    assert {step for steps in called for step in steps} == set(LOCAL_STEPS)


def test_retries_that_cannot_suffice_are_said() -> None:
    short = {**PROFILE, "set-resources": {"train": {**PROFILE["set-resources"]["train"], "runtime": "6h"}}}
    (finding,) = limits(requests([IMAGENET], CONFIG, short), short)
    assert finding.good is False
    assert "asks for 2880 minutes in jobs of 360: 8 of them in a row, but retries is 5" in finding.text
    (finding,) = limits(requests([IMAGENET], CONFIG, PROFILE), PROFILE)
    assert finding.good


@pytest.mark.parametrize("retries", ["many", 2.5, -1])
def test_retries_that_are_no_count_are_said(retries: object) -> None:
    (finding,) = limits(requests([SEARCH], CONFIG, PROFILE), {**PROFILE, "retries": retries})
    assert finding.good is False
    assert finding.text == f"retries is {retries!r}; allowed: whole numbers from 0"


def test_a_step_that_would_not_be_told_of_its_end_is_said() -> None:
    silent = {**PROFILE, "set-resources": {}}
    (finding,) = limits(requests([SEARCH], CONFIG, silent), silent)
    assert "set slurm_extra: \"'--signal=TERM@120'\"" in finding.text


@pytest.mark.parametrize(("runtime", "expected"), [(90, 90), ("90", 90), ("90m", 90), ("12h", 720), ("2d", 2880)])
def test_runtime_is_read_as_snakemake_does(runtime: object, expected: int) -> None:
    assert minutes(runtime) == expected


@pytest.mark.parametrize("runtime", ["soon", "0h", "1:30"])
def test_a_runtime_that_is_none_is_refused(runtime: str) -> None:
    with pytest.raises(InputError, match="allowed: minutes"):
        minutes(runtime)


def test_a_client_that_hangs_or_is_not_there_is_no_failure_of_ours() -> None:
    assert client("sleep", "5", seconds=0.2) == (False, "sleep gave no answer within 0 s")
    assert client("no-such-client") == (False, "there is no command no-such-client")


def test_a_profile_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"of which config\.yaml cannot be read"):
        read_profile(tmp_path)
    (tmp_path / "config.yaml").write_text(yaml.safe_dump({"cores": "all"}))
    with pytest.raises(InputError, match="whose executor is not slurm"):
        read_profile(tmp_path)
    (tmp_path / "config.yaml").write_text("executor: slurm\ndefault-resources: [slurm_account=lab]")
    with pytest.raises(InputError, match=r"default-resources is \['slurm_account=lab'\]; write names with values"):
        read_profile(tmp_path)


def test_both_profiles_agree_on_what_has_nothing_to_do_with_slurm() -> None:
    default = yaml.safe_load((ROOT / "profiles/default/config.yaml").read_text())
    assert {key: PROFILE.get(key) for key in default if key != "cores"} == {
        key: value for key, value in default.items() if key != "cores"
    }
