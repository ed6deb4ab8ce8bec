"""From a genotype to tested weights."""


rule train:
    input:
        data=manifest("trainings"),
        genotype=genotype,
    output:
        weights="results/train/{training}/seed{seed}/weights.pt",
        metrics="results/train/{training}/seed{seed}/metrics.jsonl",
    log:
        "results/logs/train/{training}/seed{seed}/train.log",
    conda:
        "../envs/pdarts.yaml"
    threads: training_threads
    params:
        launch=lambda wildcards: launched(training_processes(wildcards)),
        machine=machine,
        settings=recipe,
    message:
        "Train {wildcards.training}, seed {wildcards.seed}"
    shell:
        code("train") + "{params.launch} pdarts.train --data {input.data} --genotype {input.genotype}"
        " --settings {params.settings:q} --seed {wildcards.seed}"
        " --output {output.weights} --metrics {output.metrics}"
        " --experiment {wildcards.training} --machine {params.machine:q} 2> >(tee {log} >&2)"
        " && rm -f {output.weights}.resume*"


rule test:
    input:
        data=manifest("trainings"),
        weights="results/train/{training}/seed{seed}/weights.pt",
    output:
        "results/train/{training}/seed{seed}/test.json",
    log:
        "results/logs/train/{training}/seed{seed}/test.log",
    conda:
        "../envs/pdarts.yaml"
    threads: test_threads
    params:
        machine=machine,
    message:
        "Test {wildcards.training}, seed {wildcards.seed}"
    shell:
        code("test") + "python -m pdarts.test --data {input.data} --weights {input.weights} --output {output}"
        " --experiment {wildcards.training} --seed {wildcards.seed} --machine {params.machine:q} 2> >(tee {log} >&2)"


rule test_checkpoint:
    input:
        data=manifest("checkpoints"),
        weights=checkpoint_file,
        genotype=lambda wildcards: genotype_file(declared("checkpoints", wildcards.checkpoint).genotype),
    output:
        "results/checkpoints/{checkpoint}/test.json",
    log:
        "results/logs/checkpoints/{checkpoint}/test.log",
    conda:
        "../envs/pdarts.yaml"
    threads: CONFIG.machine.threads
    params:
        machine=machine,
    message:
        "Test the checkpoint {wildcards.checkpoint}"
    shell:
        code("test") + "python -m pdarts.test --data {input.data} --weights {input.weights:q}"
        " --genotype {input.genotype:q} --output {output}"
        " --experiment {wildcards.checkpoint} --machine {params.machine:q} 2> >(tee {log} >&2)"
