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
    resources:
        gpu=gpus("train"),
        mem_mb=memory("train"),
        runtime=minutes("train"),
    params:
        code=code_of_training("train"),
        extensions=extensions_of_training,
        launch=training_launch,
        machine=machine,
        settings=recipe,
    message:
        "Train {wildcards.training}, seed {wildcards.seed}"
    shell:
        command("train", "{params.launch}", "{params.code}")
        + " {params.extensions} --data {input.data} --genotype {input.genotype}"
        " --settings {params.settings:q} --seed {wildcards.seed}"
        " --output {output.weights} --metrics {output.metrics}"
        " --experiment {wildcards.training} --machine {params.machine:q} 2> >(trap '' TERM INT; tee {log} >&2)"
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
    resources:
        gpu=gpus("test"),
        mem_mb=memory("test"),
        runtime=minutes("test"),
    params:
        code=code_of_training("test"),
        extensions=extensions_of_training,
        machine=machine,
    message:
        "Test {wildcards.training}, seed {wildcards.seed}"
    shell:
        command("test", code="{params.code}")
        + " {params.extensions} --data {input.data} --weights {input.weights} --output {output}"
        " --experiment {wildcards.training} --seed {wildcards.seed} --machine {params.machine:q} 2> >(trap '' TERM INT; tee {log} >&2)"


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
    resources:
        gpu=gpus("test"),
        mem_mb=memory("test"),
        runtime=minutes("test"),
    params:
        extensions=extensions_of_checkpoint,
        machine=machine,
    message:
        "Test the checkpoint {wildcards.checkpoint}"
    shell:
        command("test") + " {params.extensions} --data {input.data} --weights {input.weights:q}"
        " --genotype {input.genotype:q} --output {output}"
        " --experiment {wildcards.checkpoint} --machine {params.machine:q} 2> >(trap '' TERM INT; tee {log} >&2)"
