"""The config, checked before any job, and what all rules share: functions for inputs and params, commands.

All that follows from the config is asked of `pdarts.workflow`. The params of a job hold what its result depends on, and
no more.
"""

import inspect
import os
import shlex
import sys
from functools import cache

# The package beside this workflow and the interpreter that runs Snakemake, whatever else is installed. The profile may
# have imported an installed package by now, such as that of another checkout.
sys.path.insert(0, workflow.basedir)
for name in [name for name in sys.modules if name.partition(".")[0] == "pdarts"]:
    del sys.modules[name]
os.environ.update(PATH=os.pathsep.join([os.path.dirname(sys.executable), *os.get_exec_path()]))

from pdarts import paths
from pdarts.errors import InputError, warn
from pdarts.sources import fingerprint
from pdarts.workflow import code, folders, genotypes, images, needs, random_searches, tables
from pdarts.workflow.declared import (
    check_targets,
    checked,
    declared,
    idle_alphas,
    ignored_roots,
    source_files,
    unknown_target,
)


wildcard_constraints:
    **paths.PATTERNS,


def refuse(error):
    """End with a message alone: to any other exception Snakemake adds a traceback."""
    sys.exit(f"error: {error}")


try:
    CONFIG = checked(config, workflow.config_settings.config_args)
except InputError as error:
    refuse(error)

# Where this Snakemake runs the jobs itself, and the user has given no limit, as many as the GPUs take run at once.
if workflow.is_main_process and workflow.nodes is None and "gpu" not in workflow.global_resources:
    if steps := needs.steps_on_gpus(CONFIG):
        workflow.register_resource("gpu", steps)

if workflow.is_main_process:  # jobs read the config too
    for sentence in [*ignored_roots(CONFIG), *idle_alphas(CONFIG), *folders.outdated(CONFIG)]:
        warn(sentence)


def ask(function, **fixed):
    """What `function` says of the config and of the wildcards that its other parameters name."""
    names = [name for name in inspect.signature(function).parameters if name not in ("config", *fixed)]

    @cache
    def answer(*values):
        try:
            return function(CONFIG, *values, **fixed)
        except InputError as error:
            refuse(error)

    return lambda wildcards: answer(*(wildcards[name] for name in names if name in wildcards.keys()))


def ask_aside(function):
    """The same for what changes no result: to Snakemake, a function of resources is no reason to run a job again."""
    answer = ask(function)
    return lambda wildcards, resources: answer(wildcards)


def machine(config):
    return config.machine.model_dump_json()


def dataset_settings(config, dataset):
    return declared(config, "datasets", dataset).model_dump_json()


def recipe(config, training):
    return config.recipe_of(declared(config, "trainings", training)).model_dump_json()


def manifest(wildcards):
    """The manifest of the dataset of a stage, training or checkpoint, if its images are not known to be too few."""
    try:
        return images.manifest(CONFIG, dict(wildcards.items()))
    except InputError as error:
        refuse(error)


def needed(what, step="short"):
    """A resource that a job of a step asks for, or its threads."""

    def answer(wildcards, attempt=1):
        try:
            return getattr(needs.needs_of(CONFIG, step, dict(wildcards.items()), attempt), what)
        except InputError as error:
            refuse(error)

    return answer


def previous_option(wildcards, input):
    return f"--previous {shlex.quote(str(input.previous))}" if input.previous else ""


def validations_option(wildcards, input):
    return f"--validations {shlex.join(input.validations)}" if input.validations else ""


def command(step, options, launch="python -m", code=None):
    """The command of a step, which writes to its log what it says, and says it all the same.

    In front stands a shell comment with the hash of the step's code: text of a command counts as code, so an edit reruns
    the step. Where jobs of a rule are made of different code, `code` names the param that holds each one's hash. After
    the step stands a stamp if this is a rehearsal. These take none: a list of files, a manifest and a random genotype,
    which are the same in earnest; a trace, which is read beside its stage files; and an exported network, which tells of
    its training.
    """
    stamp = (
        " --rehearsal" if CONFIG.rehearsal and step not in ("download", "prepare", "sample", "trace", "export") else ""
    )
    started = f"# code {code or fingerprint(step)}\n{launch} pdarts.{step}{stamp}"
    return f"{started} {options} 2> >(trap '' TERM INT HUP; tee {{log:q}} >&2)"


PAPER_TABLES = [name for name, table in CONFIG.tables.items() if table.of_paper]
"""Tables that repeat the paper's."""


def check_tables(rules):
    """Refuse a table that is called like a rule, so that a name means one target."""
    try:
        check_targets(CONFIG, rules)
    except InputError as error:
        refuse(error)


def refused_target(wildcards):
    """Nothing for a file that is there, such as one that a rule reads; else the end, with the nearest targets."""
    if not os.path.isfile(wildcards.target):
        refuse(unknown_target(wildcards.target, workflow.rules))
    return []
