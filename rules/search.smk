"""From a dataset to a genotype: one job a stage, which hands its architecture weights to the next; or from nowhere.

Of several searches one is chosen: its genotype did best in the training that the search names as its validation.
"""


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
    resources:
        gpu=gpus("search"),
        mem_mb=memory("search"),
        runtime=minutes("search"),
    params:
        code=code_of_search,
        extensions=extensions_of_search,
        launch=search_launch,
        machine=machine,
        previous=previous_option,
        settings=stage_settings,
    message:
        "Search {wildcards.search}, seed {wildcards.seed}: stage {wildcards.stage}"
    shell:
        command("search", "{params.launch}", "{params.code}") + " {params.extensions}"
        " --data {input.data} --stage {wildcards.stage} {params.previous}"
        " --settings {params.settings:q} --seed {wildcards.seed}"
        " --output {output.stage} --metrics {output.metrics}"
        " --experiment {wildcards.search} --machine {params.machine:q} 2> >(trap '' TERM INT; tee {log} >&2)"
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
    resources:
        mem_mb=memory("short"),
        runtime=minutes("short"),
    params:
        code=code_of_derivation,
        extensions=extensions_of_search,
        machine=machine,
        max_skips=max_skips_option,
    message:
        "Derive genotype{wildcards.variant} of {wildcards.search}, seed {wildcards.seed}"
    shell:
        command("derive", code="{params.code}")
        + " {params.extensions} --stage {input} {params.max_skips} --output {output}"
        " --experiment {wildcards.search} --seed {wildcards.seed} --machine {params.machine:q} 2> >(trap '' TERM INT; tee {log} >&2)"


rule choose:
    input:
        genotypes=genotypes_of_seeds,
        validations=validations,
    output:
        genotype="results/search/{search}/chosen/genotype{variant}.json",
        choice="results/search/{search}/chosen/choice{variant}.json",
    log:
        "results/logs/search/{search}/chosen/choose{variant}.log",
    conda:
        "../envs/pdarts.yaml"
    resources:
        mem_mb=memory("short"),
        runtime=minutes("short"),
    params:
        extensions=extensions_of_search,
        seeds=lambda wildcards: declared("searches", wildcards.search).seeds,
        validations=lambda wildcards, input: f"--validations {input.validations}" if input.validations else "",
    message:
        "Choose a seed of {wildcards.search}, and its genotype{wildcards.variant}"
    shell:
        command("choose") + " {params.extensions} --seeds {params.seeds} --genotypes {input.genotypes}"
        " {params.validations} --output {output.genotype} --choice {output.choice} 2> >(trap '' TERM INT; tee {log} >&2)"


rule sample:
    output:
        "results/random/seed{seed}/genotype{variant}.json",
    log:
        "results/logs/random/seed{seed}/sample{variant}.log",
    wildcard_constraints:
        variant=r"|_skips[0-8]",
    conda:
        "../envs/pdarts.yaml"
    resources:
        mem_mb=memory("short"),
        runtime=minutes("short"),
    params:
        max_skips=limit_in_name,
    message:
        "Draw a random genotype{wildcards.variant}, seed {wildcards.seed}"
    shell:
        command("sample") + " --seed {wildcards.seed} {params.max_skips} --output {output}"
        " 2> >(trap '' TERM INT; tee {log} >&2)"
