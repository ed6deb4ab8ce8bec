"""From a dataset to a genotype: one job a stage, which hands its architecture weights to the next; or from nowhere."""


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
        launch=lambda wildcards: launched(search_processes(wildcards)),
        machine=machine,
        previous=previous_option,
        settings=stage_settings,
    message:
        "Search {wildcards.search}, seed {wildcards.seed}: stage {wildcards.stage}"
    shell:
        code("search") + "{params.launch} pdarts.search --data {input.data} --stage {wildcards.stage} {params.previous}"
        " --settings {params.settings:q} --seed {wildcards.seed}"
        " --output {output.stage} --metrics {output.metrics}"
        " --experiment {wildcards.search} --machine {params.machine:q} 2> >(tee {log} >&2)"
        " && rm -f {output.stage}.resume*"


rule derive:
    input:
        stage_of_genotype,
    output:
        "results/search/{search}/seed{seed}/genotype{variant}.json",
    log:
        "results/logs/search/{search}/seed{seed}/derive{variant}.log",
    conda:
        "../envs/pdarts.yaml"
    params:
        machine=machine,
        max_skips=max_skips_option,
    message:
        "Derive genotype{wildcards.variant} of {wildcards.search}, seed {wildcards.seed}"
    shell:
        code("derive") + "python -m pdarts.derive --stage {input} {params.max_skips} --output {output}"
        " --experiment {wildcards.search} --seed {wildcards.seed} --machine {params.machine:q} 2> >(tee {log} >&2)"


rule sample:
    output:
        "results/random/seed{seed}/genotype{variant}.json",
    log:
        "results/logs/random/seed{seed}/sample{variant}.log",
    wildcard_constraints:
        variant=r"|_skips[0-8]",
    conda:
        "../envs/pdarts.yaml"
    params:
        max_skips=limit_in_name,
    message:
        "Draw a random genotype{wildcards.variant}, seed {wildcards.seed}"
    shell:
        code("sample") + "python -m pdarts.sample --seed {wildcards.seed} {params.max_skips} --output {output}"
        " 2> >(tee {log} >&2)"
