"""Trains, tests and exports evaluation networks.

Input: a genotype and the manifest of a dataset; or weights that others trained.
Output: `weights.pt` of each seed of a training, its metrics, and the accuracy on images that it was not trained on; and
the network as `network.onnx`, `network.pt2` and `network.safetensors`, for other programs.
"""


rule train:
    input:
        data=manifest,
        genotype=ask(genotypes.genotype_of),
    output:
        weights=paths.WEIGHTS,
        metrics=paths.METRICS,
    log:
        paths.LOGS["train"],
    conda:
        "../envs/pdarts.yaml"
    threads: needed("threads", "train")
    resources:
        gpu=needed("gpus", "train"),
        mem_mb=needed("memory", "train"),
        runtime=needed("minutes", "train"),
    params:
        code=ask(code.training_code),
        extensions=ask_aside(code.for_training),
        launch=ask_aside(needs.training_launch),
        machine=ask_aside(machine),
        settings=ask(recipe),
    message:
        "Train {wildcards.training}, seed {wildcards.seed}"
    shell:
        command(
            "train",
            "{params.extensions} --data {input.data:q} --genotype {input.genotype:q} --settings {params.settings:q}"
            " --seed {wildcards.seed} --output {output.weights:q} --metrics {output.metrics:q}"
            " --experiment {wildcards.training} --machine {params.machine:q}",
            launch="{params.launch}",
            code="{params.code}",
        )


rule test:
    input:
        data=manifest,
        weights=paths.WEIGHTS,
    output:
        paths.TEST,
    log:
        paths.LOGS["test"],
    priority: 1  # before other trainings, so that each is finished when it can be
    conda:
        "../envs/pdarts.yaml"
    threads: needed("threads", "test")
    resources:
        gpu=needed("gpus", "test"),
        mem_mb=needed("memory", "test"),
        runtime=needed("minutes", "test"),
    params:
        code=ask(code.test_code),
        extensions=ask_aside(code.for_training),
        machine=ask_aside(machine),
    message:
        "Test {wildcards.training}, seed {wildcards.seed}"
    shell:
        command(
            "test",
            "{params.extensions} --data {input.data:q} --weights {input.weights:q} --output {output:q}"
            " --experiment {wildcards.training} --seed {wildcards.seed} --machine {params.machine:q}",
            code="{params.code}",
        )


rule export:
    input:
        paths.WEIGHTS,
    output:
        paths.forms(paths.EXPORT, paths.EXPORT_FORMS),
    log:
        paths.LOGS["export"],
    conda:
        "../envs/pdarts.yaml"
    threads: needed("threads", "export")
    resources:
        mem_mb=needed("memory"),
        runtime=needed("minutes"),
    params:
        code=ask(code.export_code),
        extensions=ask_aside(code.for_training),
        machine=ask_aside(machine),
    message:
        "Export the network of {wildcards.training}, seed {wildcards.seed}"
    shell:
        command(
            "export",
            "{params.extensions} --weights {input:q} --machine {params.machine:q}"
            f" --output-stem {paths.in_command(paths.EXPORT)}",
            code="{params.code}",
        )


rule test_checkpoint:
    input:
        data=manifest,
        weights=ask(genotypes.weights_of_checkpoint),
        genotype=ask(genotypes.genotype_of_checkpoint),
    output:
        paths.CHECKPOINT_TEST,
    log:
        paths.LOGS["test_checkpoint"],
    conda:
        "../envs/pdarts.yaml"
    threads: needed("threads", "test")
    resources:
        gpu=needed("gpus", "test"),
        mem_mb=needed("memory", "test"),
        runtime=needed("minutes", "test"),
    params:
        extensions=ask_aside(code.for_checkpoint),
        machine=ask_aside(machine),
    message:
        "Test the checkpoint {wildcards.checkpoint}"
    shell:
        command(
            "test",
            "{params.extensions} --data {input.data:q} --weights {input.weights:q} --genotype {input.genotype:q}"
            " --output {output:q} --experiment {wildcards.checkpoint} --machine {params.machine:q}",
        )
