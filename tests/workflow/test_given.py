"""Config files that cannot be read end a call with one line, and settings on the command line are read as in files."""

from pathlib import Path

import pytest

from pdarts.errors import InputError
from pdarts.settings.config import Config
from pdarts.workflow.declared import idle_alphas, ignored_roots
from pdarts.workflow.given import check_files, with_settings
from tests.configuration import CONFIG, ROOT
from tests.workflow.test_bad_input import refused
from tests.workflow.tree import CONFIG as FILE
from tests.workflow.tree import Tree

STAGE = "results/search/tiny/seed0/stage1.json"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "mine.yaml: this config file holds no keys; write some"),
        (b"# nothing yet\n", "mine.yaml: this config file holds no keys; write some"),
        (b"searches:\n  digits: {epochs: 010}\n", "mine.yaml, line 2: YAML reads 010 as 8; write it as a decimal"),
        (b"searches:\n  digits: {epochs: 1:30}\n", "mine.yaml, line 2: YAML reads 1:30 as 90"),
        (b"searches:\n\tdigits: {epochs: 4}\n", "mine.yaml, line 2: not YAML (found character '\\t'"),
        (b"searches: [1\ntables: {}\n", "mine.yaml, line 2: not YAML (expected ',' or ']'"),
        (b"- searches\n", "mine.yaml: no keys with values, such as those of config.yaml"),
        (b"repeats: {}\nextensions: [caf\xe9.py]\n", "mine.yaml, line 2: not UTF-8; save this config file with"),
        (b"machine: {threads: 1}\nrepeats: {}\nmachine: {}\n", "mine.yaml, line 3: machine stands here a second time"),
        (b"machine: {threads: 1,\n  workers: 2, threads: 3}\n", "mine.yaml, line 2: threads stands here a second time"),
        (b"tables:\n  demo: {title: 2024-05-01}\n", "mine.yaml, line 2: YAML reads 2024-05-01 as a date; put text in"),
        (b"searches:\n  2024-02-30: {}\n", "mine.yaml, line 2: YAML reads 2024-02-30 as a date"),
        (b"trainings: {digits: {seeds: {{retrainings}}}}\n", "mine.yaml, line 1: a key is a word, not braces or"),
        (b"a: \x00\n", "mine.yaml: not YAML (unacceptable character #x0000"),
    ],
)
def test_a_config_file_that_cannot_be_read_is_named_with_its_line(content: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_bytes(content)
    with pytest.raises(SystemExit) as end:
        check_files(["-n", "demo", "--configfile", str(tmp_path / "mine.yaml"), "--directory", str(ROOT)])
    assert f"error: {tmp_path}/{said}" in str(end.value)
    assert "\n" not in str(end.value)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--configfile", "no.yaml", "-d", str(ROOT)], "error: no.yaml: this config file cannot be read (No such file"),
        (["--configfile", ".", "-d", str(ROOT)], "error: .: this config file cannot be read (Is a directory)"),
        ([], "error: there is no config.yaml in {folder}; call Snakemake in the folder of its Snakefile, or name"),
        (["-d", str(ROOT), "--config", "epochs"], "error: --config: 'epochs' is not KEY=VALUE, such as 'repeats="),
        (["-d", str(ROOT), "-C", "repeats={searches: 4"], "error: --config 'repeats={{searches: 4', line 1: not YAML"),
    ],
)
def test_so_is_a_file_that_is_not_there(
    arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as end:
        check_files([*arguments, "demo"])
    assert str(end.value).startswith(said.format(folder=tmp_path))


def test_files_that_can_be_read_pass(tmp_path: Path) -> None:
    (tmp_path / "mine.json").write_text('{\n\t"machine": {"threads": 2}\n}\n')
    check_files([f"--configfile={tmp_path}/mine.json", "-d", str(ROOT)])
    for overlay in ("rules/rehearsal.yaml", "tests/workflow/tiny.yaml"):
        check_files(["demo", "-d", str(ROOT), "--configfile", str(ROOT / overlay), "--cores", "1"])


def test_values_on_the_command_line_have_the_types_of_files() -> None:
    of_snakemake = {
        "searches": {"digits": {"epochs": "4", "seeds": ["0", "1"]}},
        "repeats": "null",
        "machine": {"a": 1},
    }
    entries = ["searches={digits: {epochs: 4, seeds: [0, 1], flip: true, clip: null}}", "repeats=null", "tables="]
    assert with_settings(of_snakemake, entries) == {
        "searches": {"digits": {"epochs": 4, "seeds": [0, 1], "flip": True, "clip": None}},
        "repeats": None,
        "machine": {"a": 1},
        "tables": None,
    }
    assert with_settings({}, ['searches={digits: {epochs: "4"}}']) == {"searches": {"digits": {"epochs": "4"}}}
    with pytest.raises(InputError, match=r"'repeats.searches' is not a key.*write 'repeats=\{searches: 4\}'"):
        with_settings({}, ["repeats.searches=4"])
    with pytest.raises(InputError, match="line 1: epochs stands here a second time"):
        with_settings({}, ["searches={epochs: 4, epochs: 5}"])


def with_roots(rehearsal: bool = False, **roots: str) -> Config:
    machine = CONFIG.machine.model_copy(update={"data_roots": roots})
    return CONFIG.model_copy(update={"machine": machine, "rehearsal": rehearsal})


def test_a_root_that_counts_for_nothing_is_said_with_the_one_that_would() -> None:
    (said,) = ignored_roots(with_roots(fashion="/scratch", cifar10="/scratch", imagenet="/scratch"))
    assert said == (
        "machine.data_roots.fashion is '/scratch' and counts for nothing: dataset fashion reads folder fashion_mnist; "
        "set machine.data_roots.fashion_mnist instead"
    )
    assert [*ignored_roots(with_roots(fashion="data/fashion"))] == []
    assert [*ignored_roots(with_roots(rehearsal=True, fashion="/scratch"))] == []
    assert [*ignored_roots(CONFIG)] == []
    (packaged,) = ignored_roots(with_roots(digits="/scratch"))
    assert packaged.endswith("digits is part of the package")


def test_a_supernet_without_a_cell_of_one_kind_is_told() -> None:
    assert [*idle_alphas(CONFIG)] == []

    def said(cells: int) -> str:
        digits = CONFIG.searches["digits"]
        stages = (digits.stages[0].model_copy(update={"cells": cells}), *digits.stages[1:])
        searches = {"digits": digits.model_copy(update={"stages": stages})}
        return " ".join(idle_alphas(CONFIG.model_copy(update={"searches": searches})))

    assert said(2).startswith(
        "searches.digits.stages[0].cells is 2: this supernet has no normal cell, so no image decides"
    )
    assert "has no normal cell" in said(1)
    assert said(3) == said(4) == ""


@pytest.mark.workflow
def test_a_call_of_snakemake_reads_all_that_is_given(tree: Tree) -> None:
    settings = "searches={tiny: {epochs: 3, augmentation: {flip: true}, alphas: {clip: null}}}"
    roots = "machine={data_roots: {tiny: /scratch}}"
    said = tree.snakemake("--dry-run", "--printshellcmds", "--config", settings, roots, "--", STAGE).stdout
    for value in ('"epochs":3,', '"flip":true,', '"clip":null}'):
        assert value in said
    assert said.count("warning: machine.data_roots.tiny is '/scratch' and counts for nothing") == 1
    planned = tree.python(
        "-m", "pdarts.tools.plan", "--configfile", FILE, "--config", settings, "--target", STAGE
    ).stdout
    assert "search tiny" in planned
    tree.write(FILE, "searches:\n\ttiny: {}\n")
    refused(tree, f"error: {FILE}, line 2: not YAML")


@pytest.mark.workflow
def test_a_call_from_another_folder_says_where_to_go(tree: Tree, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "config.yaml").write_text("machine: {}\n")
    called = Tree(elsewhere).python("-m", "snakemake", "-n", "-s", str(tree.root / "Snakefile"), PYTHONPATH=str(ROOT))
    assert called.stdout.splitlines()[-1].startswith(
        f"error: there is no pdarts/genotypes in {elsewhere}, so this is no"
    )


@pytest.mark.workflow
def test_any_path_can_lead_to_a_genotype(tree: Tree) -> None:
    name = 'my cells/it\'s $HOME "ä".json'
    (tree.root / "my cells").mkdir()
    tree.write(name, tree.read("pdarts/genotypes/PDARTS.json"))
    quoted = name.replace("'", "''")
    tree.edit(FILE, "genotype: {search: tiny, seed: each}", f"genotype: '{quoted}'")
    assert tree.run("--", "results/train/tiny/seed0/weights.pt") == {"train/tiny/seed0/train"}
    tree.edit(FILE, quoted, "my cells/{x}.json")
    refused(tree, "trainings.tiny.genotype is 'my cells/{x}.json', but braces are wildcards to Snakemake; rename")
