"""What Snakemake plans for a training follows from how it names its genotype; a dry run alone, in seconds."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests import warm
from tests.configuration import ROOT
from tests.nets.released import state, write_cifar

pytestmark = pytest.mark.workflow


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with the project's workflow and no results."""
    for name in ("Snakefile", "config.yaml", "envs", "pdarts", "profiles", "rules"):
        (tmp_path / name).symlink_to(ROOT / name)
    return tmp_path


def snakemake(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [warm.python(), "-m", "snakemake", *arguments],
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def dry_run(project: Path, *targets: str) -> str:
    done = snakemake(project, "--dry-run", "--printshellcmds", "--", *targets)
    assert done.returncode == 0, done.stdout
    return done.stdout


def planned(project: Path, *targets: str) -> set[str]:
    """Files that a dry run would make, results/ left out of their names; the first one of each job."""
    return set(re.findall(r"Missing output files: results/([^,;\n]+)", dry_run(project, *targets)))


SEARCH = "search/pdarts-cifar10"
STAGES = [f"{SEARCH}/seed0/stage{stage}.json" for stage in (1, 2, 3)]


def chosen(genotype: str, stages: int = 3) -> list[str]:
    """What the chosen genotype of a search with one seed takes."""
    return [*STAGES[:stages], f"{SEARCH}/seed0/{genotype}.json", f"{SEARCH}/chosen/{genotype}.json"]


def of_training(name: str, seed: int, *genotype: str) -> tuple[str, set[str]]:
    """The test of a training's seed, and all that is made for it: from images on, with the files of its genotype."""
    folder = f"train/{name}/seed{seed}"
    later = {"data/cifar10.json", f"{folder}/weights.pt", f"{folder}/test.json"}
    return f"results/{folder}/test.json", {*genotype, *later}


DRAWS = range(16, 24)
BEST_OF_EIGHT = [
    *(f"random_search/random-search/draw{draw}/genotype.json" for draw in DRAWS),
    *(f"train/random-search-draws/seed{draw}/{file}" for draw in DRAWS for file in ("weights.pt", "test.json")),
    "random_search/random-search/seed2/genotype.json",
]
"""What a random search with seed 2 takes: its draws, their short trainings, and the choice."""


@pytest.mark.parametrize(
    "trainings",
    [
        [of_training("pdarts-cifar10-stage1-on-cifar10", 0, *chosen("genotype_stage1", 1))],
        [of_training("pdarts-cifar10-stage2-on-cifar10", 1, *chosen("genotype_stage2", 2))],
        [
            of_training("pdarts-cifar10-on-cifar10", 1, *chosen("genotype")),
            of_training("pdarts-cifar10-skips3-on-cifar10", 2, *chosen("genotype_skips3")),
            of_training("random-on-cifar10", 2, "random/seed2/genotype.json"),
            of_training("random-2-skips-on-cifar10", 1, "random/seed1/genotype_skips2.json"),
            of_training("random-search-on-cifar10", 2, *BEST_OF_EIGHT),
            of_training("nasnet-on-cifar10", 0),
        ],
    ],
)
def test_a_training_plans_what_its_genotype_needs(project: Path, trainings: list[tuple[str, set[str]]]) -> None:
    targets, needed = zip(*trainings, strict=True)
    assert planned(project, *targets) == {"data/files/cifar10.json"}.union(*needed)


def test_a_genotype_s_name_says_its_stage_and_skip_limit_and_the_search_says_the_rest(project: Path) -> None:
    search = "results/search/pdarts-cifar10/seed0"
    darts = "results/search/darts-first-order-cifar10/seed0"
    expected = {
        f"{search}/genotype.json": f"--stage {search}/stage3.json --max-skips 2 ",
        f"{search}/genotype_stage1.json": f"--stage {search}/stage1.json --max-skips 2 ",
        f"{search}/genotype_stage3.json": f"--stage {search}/stage3.json --max-skips 2 ",
        f"{search}/genotype_skips0.json": f"--stage {search}/stage3.json --max-skips 0 ",
        f"{search}/genotype_skips8.json": f"--stage {search}/stage3.json --max-skips 8 ",
        f"{darts}/genotype_stage1.json": f"--stage {darts}/stage1.json  --output",
        f"{darts}/genotype_skips3.json": f"--stage {darts}/stage1.json --max-skips 3 ",
    }
    output = dry_run(project, *expected)
    for target, options in expected.items():
        (command,) = re.findall(rf"python -m pdarts\.derive .*--output {re.escape(target)} ", output)
        assert options in command


def refusal(project: Path, target: str) -> str:
    done = snakemake(project, "--dry-run", "--", target)
    assert done.returncode == 1
    assert "Traceback" not in done.stdout
    return done.stdout


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("results/search/digits/seed0/genotype_stage4.json", "searches.digits has no stage 4; allowed: 1 to 3"),
        ("results/random/seed0/genotype_stage1.json", "No rule to produce"),
        (
            "results/random_search/random/seed0/genotype.json",
            "random_searches: there is no 'random'; did you mean 'random-search'?",
        ),
        ("results/checkpoints/pdarts/test.json", "checkpoints: there is no 'pdarts'; did you mean 'pdarts-cifar10'?"),
        (
            "results/checkpoints/pdarts-cifar10/test.json",
            "there is no checkpoints/pdarts-cifar10.pt; get the file (linked",
        ),
    ],
)
def test_a_genotype_or_checkpoint_that_is_not_there_is_refused(project: Path, target: str, message: str) -> None:
    assert message in refusal(project, target)


def test_a_checkpoint_with_an_unknown_genotype_is_refused(project: Path) -> None:
    mine = project / "mine.yaml"
    mine.write_text("checkpoints: {pdarts-cifar10: {genotype: PDART}}\n")
    done = snakemake(project, "--configfile", "mine.yaml", "--dry-run", "--", "released")
    assert done.returncode == 1
    assert "checkpoints.pdarts-cifar10.genotype is 'PDART', but this is not a published cell" in done.stdout


def test_random_cells_and_a_checkpoint_of_one_s_own_are_made(project: Path) -> None:
    (project / "weights").mkdir()
    write_cifar(project / "weights" / "their file.pt", state("cifar_nasnet"))
    (project / "mine.yaml").write_text(
        "checkpoints:\n"
        "  mine: {file: weights/their file.pt, origin: a friend, genotype: NASNet, dataset: digits}\n"
        "machine: {device: cpu, wandb: {mode: disabled}}\n"
    )
    targets = ["results/checkpoints/mine/test.json", "results/random/seed0/genotype_skips0.json"]
    done = snakemake(project, "--configfile", "mine.yaml", "--cores", "1", "--", *targets)
    assert done.returncode == 0, done.stdout
    assert '"images": 445' in (project / targets[0]).read_text()
    assert "skip_connect" not in (project / targets[1]).read_text().partition('"normal_concat"')[0]
