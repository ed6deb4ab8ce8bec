"""Searches for genotypes.

Input: the manifest of a dataset.
Output: a file for each stage of each seed of a search, the genotypes derived from them, and the genotype of the seed that
did best in the training which the search names as its validation; also genotypes drawn at random, for comparison, and
the best of several of these by a short training of each.
"""


rule search:
    input:
        data=manifest,
        previous=ask(genotypes.previous_stage),
    output:
        stage=paths.STAGE,
        metrics=paths.STAGE_METRICS,
    log:
        paths.LOGS["search"],
    conda:
        "../envs/pdarts.yaml"
    threads: needed("threads", "search")
    resources:
        gpu=needed("gpus", "search"),
        mem_mb=needed("memory", "search"),
        runtime=needed("minutes", "search"),
    params:
        code=ask(code.search_code),
        extensions=ask_aside(code.for_search),
        launch=ask_aside(needs.search_launch),
        machine=ask_aside(machine),
        previous=previous_option,
        settings=ask(genotypes.stage_settings),
    message:
        "Search {wildcards.search}, seed {wildcards.seed}: stage {wildcards.stage}"
    shell:
        command(
            "search",
            "{params.extensions} --data {input.data:q} --stage {wildcards.stage} {params.previous}"
            " --settings {params.settings:q} --seed {wildcards.seed} --output {output.stage:q} --metrics {output.metrics:q}"
            " --experiment {wildcards.search} --machine {params.machine:q}",
            launch="{params.launch}",
            code="{params.code}",
        )


rule derive:
    input:
        ask(genotypes.stage_to_derive_from),
    output:
        paths.GENOTYPE,
    log:
        paths.LOGS["derive"],
    conda:
        "../envs/pdarts.yaml"
    resources:
        mem_mb=needed("memory"),
        runtime=needed("minutes"),
    params:
        code=ask(code.derivation_code),
        extensions=ask_aside(code.for_search),
        machine=ask_aside(machine),
        max_skips=ask(genotypes.skip_limit),
    message:
        "Derive genotype{wildcards.variant} of {wildcards.search}, seed {wildcards.seed}"
    shell:
        command(
            "derive",
            "{params.extensions} --stage {input:q} {params.max_skips} --output {output:q}"
            " --experiment {wildcards.search} --seed {wildcards.seed} --machine {params.machine:q}",
            code="{params.code}",
        )


rule choose:
    input:
        genotypes=ask(genotypes.genotypes_of_seeds),
        validations=ask(genotypes.validations),
    output:
        genotype=paths.CHOSEN_GENOTYPE,
        choice=paths.CHOICE,
    log:
        paths.LOGS["choose"],
    conda:
        "../envs/pdarts.yaml"
    resources:
        mem_mb=needed("memory"),
        runtime=needed("minutes"),
    params:
        extensions=ask_aside(code.for_search),
        seeds=ask(genotypes.seeds),
        validations=validations_option,
    message:
        "Choose a seed of {wildcards.search}, and its genotype{wildcards.variant}"
    shell:
        command(
            "choose",
            "{params.extensions} --seeds {params.seeds} --genotypes {input.genotypes:q} {params.validations}"
            " --output {output.genotype:q} --choice {output.choice:q}",
        )


rule sample:
    output:
        paths.RANDOM_GENOTYPE,
    log:
        paths.LOGS["sample"],
    wildcard_constraints:
        variant=r"|_skips(?:0|[1-9]\d*)",
    conda:
        "../envs/pdarts.yaml"
    resources:
        mem_mb=needed("memory"),
        runtime=needed("minutes"),
    params:
        max_skips=ask(genotypes.limit_in_name),
    message:
        "Draw a random genotype{wildcards.variant}, seed {wildcards.seed}"
    shell:
        command("sample", "--seed {wildcards.seed} {params.max_skips} --output {output:q}")


rule sample_draw:
    output:
        paths.DRAWN_GENOTYPE,
    log:
        paths.LOGS["sample_draw"],
    conda:
        "../envs/pdarts.yaml"
    resources:
        mem_mb=needed("memory"),
        runtime=needed("minutes"),
    params:
        drawn=ask(random_searches.how_to_draw),
    message:
        "Draw genotype number {wildcards.draw} of {wildcards.random_search}"
    shell:
        command("sample", "{params.drawn} --output {output:q}")


rule choose_draw:
    input:
        genotypes=ask(random_searches.genotypes),
        validations=ask(random_searches.tests),
    output:
        genotype=paths.BEST_DRAW,
        choice=paths.CHOICE_OF_DRAW,
    log:
        paths.LOGS["choose_draw"],
    conda:
        "../envs/pdarts.yaml"
    resources:
        mem_mb=needed("memory"),
        runtime=needed("minutes"),
    params:
        draws=ask(random_searches.draws),
    message:
        "Choose among the draws of {wildcards.random_search}, seed {wildcards.seed}"
    shell:
        command(
            "choose",
            "--seeds {params.draws} --genotypes {input.genotypes:q} --validations {input.validations:q}"
            " --output {output.genotype:q} --choice {output.choice:q}",
        )
