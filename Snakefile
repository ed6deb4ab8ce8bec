"""P-DARTS: search in three stages, derive a genotype, retrain it, test it, set it in a table.

Targets are tables (`demo`, `fashion`, `cifar`), `released` (weights that others trained), or the path of any result, such as `results/search/digits/seed0/genotype.json`.
"""


configfile: "config.yaml"


report: "docs/report.rst"


include: "rules/common.smk"
include: "rules/data.smk"
include: "rules/search.smk"
include: "rules/train.smk"
include: "rules/report.smk"


rule demo:
    """The whole chain at small size, on digits that come with the package; the default target."""
    input:
        expand("results/tables/demo.{suffix}", suffix=TABLE_SUFFIXES),


rule fashion:
    """The whole chain on 10,000 images of Fashion-MNIST, in about an hour of two CPU cores."""
    input:
        expand("results/tables/fashion.{suffix}", suffix=TABLE_SUFFIXES),


rule cifar:
    """P-DARTS of the paper, searched and retrained on CIFAR-10 and CIFAR-100."""
    input:
        expand("results/tables/cifar.{suffix}", suffix=TABLE_SUFFIXES),


rule released:
    """Weights that others trained, tested; config.yaml says where their files belong."""
    input:
        expand("results/checkpoints/{checkpoint}/test.json", checkpoint=CONFIG.checkpoints),
