"""From a dataset to a genotype: one job a stage, which hands its architecture weights to the next."""


rule search:
    input:
        data=manifest("searches"),
        previous=previous_stage,
    output:
        stage="results/search/{search}/seed{seed}/stage{stage}.json",
        metrics="results/search/{search}/seed{seed}/stage{stage}.metrics.jsonl",
    log:
        "results/logs/search/{search}/seed{seed}/stage{stage}.log",
    conda:
        "../envs/pdarts.yaml"
    threads: search_threads
    params:
        machine=machine,
        previous=previous_option,
        settings=stage_settings,
    message:
        "Search {wildcards.search}, seed {wildcards.seed}: stage {wildcards.stage}"
    shell:
        code("search") + "python -m pdarts.search --data {input.data} --stage {wildcards.stage} {params.previous}"
        " --settings {params.settings:q} --seed {wildcards.seed}"
        " --output {output.stage} --metrics {output.metrics}"
        " --experiment {wildcards.search} --machine {params.machine:q} 2> >(tee {log} >&2)"


rule derive:
    input:
        last_stage,
    output:
        "results/search/{search}/seed{seed}/genotype.json",
    log:
        "results/logs/search/{search}/seed{seed}/derive.log",
    conda:
        "../envs/pdarts.yaml"
    params:
        machine=machine,
        max_skips=max_skips_option,
    message:
        "Derive the genotype of {wildcards.search}, seed {wildcards.seed}"
    shell:
        code("derive") + "python -m pdarts.derive --stage {input} {params.max_skips} --output {output}"
        " --experiment {wildcards.search} --seed {wildcards.seed} --machine {params.machine:q} 2> >(tee {log} >&2)"
