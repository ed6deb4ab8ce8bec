"""P-DARTS: search in three stages, derive a genotype, retrain it, test it, set it in a table.

Targets are the names of tables in the config (`demo`, the default, `fashion`, `cifar`, `table1`, `methods`, your own),
`paper` for all tables of the paper, `partial` for what is there of them, `released` (weights that others trained), or the
path of any result, such as `results/search/digits/seed0/genotype.json`.
"""


configfile: "config.yaml"


report: "docs/report.rst"


# Only with `--sdm apptainer`; envs/pdarts.def makes it.
container: "envs/pdarts.sif"


include: "rules/common.smk"
include: "rules/data.smk"
include: "rules/search.smk"
include: "rules/train.smk"
include: "rules/report.smk"


# What runs where Snakemake runs; on a cluster all else is a job.
localrules:
    download,
    trace,
    draw,
    search_curves,
    searches_curves,
    training_curves,
    report,
    report_so_far,
    paper,
    partial,
    released,
    unknown_target,


rule paper:
    """All tables and studies that repeat the paper's."""
    input:
        expand(paths.forms(paths.TABLE), table=PAPER_TABLES),


rule partial:
    """The paper's tables as far as there are results; starts no search and no training."""
    input:
        expand(paths.forms(paths.PARTIAL_TABLE), table=PAPER_TABLES),


rule released:
    """Weights that others trained, tested; config.yaml says where their files belong."""
    input:
        expand(paths.CHECKPOINT_TEST, checkpoint=CONFIG.checkpoints),


rule unknown_target:
    """Refuses a misspelt target, with the nearest names; it makes nothing."""
    input:
        refused_target,
    output:
        "{target}",
    wildcard_constraints:
        target=r"[^/.]+",


check_tables(workflow.rules)


for table in CONFIG.tables:

    rule:
        name:
            table
        default_target: table == "demo"
        input:
            expand(paths.forms(paths.TABLE), table=table),
        localrule: True
