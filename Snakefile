"""P-DARTS: search in three stages, derive a genotype, retrain it, test it, set it in a table.

Targets are tables (`demo`, `fashion`, `cifar`; of the paper `table1`, `table2`, `depth_study`, `skip_study`, or `paper` for all
of them, and `partial` for what is there of them), `released` (weights that others trained), or the path of any result, such
as `results/search/digits/seed0/genotype.json`.
"""


configfile: "config.yaml"


report: "docs/report.rst"


# Only with `--sdm apptainer`; envs/pdarts.def makes it.
container: "envs/pdarts.sif"


include: "rules/common.smk"
include: "rules/data.smk"
include: "rules/search.smk"
include: "rules/train.smk"
include: "rules/tables.smk"
include: "rules/report.smk"


# What runs where Snakemake runs; on a cluster all else is a job.
localrules:
    download,
    draw,
    search_curves,
    searches_curves,
    training_curves,
    report,
    report_so_far,
    demo,
    fashion,
    cifar,
    table1,
    table2,
    depth_study,
    skip_study,
    methods,
    paper,
    partial,
    released,


rule demo:
    """The whole chain at small size, on digits that come with the package; the default target."""
    input:
        expand("results/tables/demo.{suffix}", suffix=TABLE_SUFFIXES),


rule fashion:
    """The whole chain on 10,000 images of Fashion-MNIST, in less than an hour of two CPU cores."""
    input:
        expand("results/tables/fashion.{suffix}", suffix=TABLE_SUFFIXES),


rule cifar:
    """P-DARTS of the paper, searched and retrained on CIFAR-10 and CIFAR-100."""
    input:
        expand("results/tables/cifar.{suffix}", suffix=TABLE_SUFFIXES),


rule table1:
    """Test errors on CIFAR-10 and CIFAR-100, beside the paper's."""
    input:
        expand("results/tables/table1.{suffix}", suffix=TABLE_SUFFIXES),


rule table2:
    """Test errors on ImageNet in the mobile setting, beside the paper's."""
    input:
        expand("results/tables/table2.{suffix}", suffix=TABLE_SUFFIXES),


rule depth_study:
    """The cell that each stage of a search would yield."""
    input:
        expand("results/tables/depth_study.{suffix}", suffix=TABLE_SUFFIXES),


rule skip_study:
    """Skip connections allowed, with and without dropout behind them."""
    input:
        expand("results/tables/skip_study.{suffix}", suffix=TABLE_SUFFIXES),


rule methods:
    """Methods of search on one protocol, beside the figures of their authors."""
    input:
        expand("results/tables/methods.{suffix}", suffix=TABLE_SUFFIXES),


rule paper:
    """All tables and studies that repeat the paper's."""
    input:
        expand("results/tables/{table}.{suffix}", table=PAPER_TABLES, suffix=TABLE_SUFFIXES),


rule partial:
    """The paper's tables as far as there are results; starts no search and no training."""
    input:
        expand("results/tables/partial/{table}.{suffix}", table=PAPER_TABLES, suffix=TABLE_SUFFIXES),


rule released:
    """Weights that others trained, tested; config.yaml says where their files belong."""
    input:
        expand("results/checkpoints/{checkpoint}/test.json", checkpoint=CONFIG.checkpoints),


check_tables(workflow.rules)
