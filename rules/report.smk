"""From results to what people look at: drawings, curves, tables."""


rule draw:
    input:
        genotype,
    output:
        report(
            "results/train/{training}/seed{seed}/cells.svg",
            category="Cells",
            labels={"training": "{training}", "seed": "{seed}"},
        ),
    log:
        "results/logs/train/{training}/seed{seed}/draw.log",
    conda:
        "../envs/pdarts.yaml"
    resources:
        mem_mb=memory("short"),
        runtime=minutes("short"),
    params:
        extensions=extensions_of_training,
    message:
        "Draw the cells of {wildcards.training}, seed {wildcards.seed}"
    shell:
        command("draw")
        + " {params.extensions} --genotype {input} --output {output} 2> >(trap '' TERM INT; tee {log} >&2)"


rule search_curves:
    input:
        stages=lambda wildcards: stage_files(wildcards.search, wildcards.seed),
        metrics=lambda wildcards: stage_files(wildcards.search, wildcards.seed, ".metrics.jsonl"),
    output:
        report(
            "results/search/{search}/seed{seed}/curves.svg",
            category="Curves",
            labels={"of": "search {search}, seed {seed}"},
        ),
    log:
        "results/logs/search/{search}/seed{seed}/curves.log",
    conda:
        "../envs/pdarts.yaml"
    resources:
        mem_mb=memory("short"),
        runtime=minutes("short"),
    message:
        "Draw the curves of search {wildcards.search}, seed {wildcards.seed}"
    shell:
        command("curves") + " --title 'Search {wildcards.search}, seed {wildcards.seed}'"
        " --stages {input.stages} --metrics {input.metrics} --output {output} 2> >(trap '' TERM INT; tee {log} >&2)"


rule searches_curves:
    input:
        stages=lambda wildcards: stages_of_seeds(wildcards.search),
        metrics=lambda wildcards: stages_of_seeds(wildcards.search, ".metrics.jsonl"),
    output:
        report("results/search/{search}/curves.svg", category="Curves", labels={"of": "searches {search}"}),
    log:
        "results/logs/search/{search}/curves.log",
    conda:
        "../envs/pdarts.yaml"
    resources:
        mem_mb=memory("short"),
        runtime=minutes("short"),
    message:
        "Draw the curves of all seeds of search {wildcards.search}"
    shell:
        command("curves") + " --title 'Search {wildcards.search}'"
        " --stages {input.stages} --metrics {input.metrics} --output {output} 2> >(trap '' TERM INT; tee {log} >&2)"


rule training_curves:
    input:
        training_metrics,
    output:
        report("results/train/{training}/curves.svg", category="Curves", labels={"of": "training {training}"}),
    log:
        "results/logs/train/{training}/curves.log",
    conda:
        "../envs/pdarts.yaml"
    resources:
        mem_mb=memory("short"),
        runtime=minutes("short"),
    message:
        "Draw the curves of training {wildcards.training}"
    shell:
        command("curves") + " --title 'Training {wildcards.training}'"
        " --metrics {input} --output {output} 2> >(trap '' TERM INT; tee {log} >&2)"


rule report:
    input:
        table_inputs,
    output:
        report("results/tables/{table}.md", category="Tables", labels={"table": "{table}", "form": "Markdown"}),
        "results/tables/{table}.csv",
        "results/tables/{table}.tex",
        report("results/tables/{table}.html", category="Tables", labels={"table": "{table}", "form": "page"}),
    log:
        "results/logs/tables/{table}.log",
    conda:
        "../envs/pdarts.yaml"
    resources:
        mem_mb=memory("short"),
        runtime=minutes("short"),
    params:
        extensions=all_extensions,
        table=table_settings,
    message:
        "Set the table {wildcards.table}"
    shell:
        command("report")
        + " {params.extensions} --table {params.table:q} --output-stem results/tables/{wildcards.table}"
        " 2> >(trap '' TERM INT; tee {log} >&2)"


rule report_so_far:
    """A table of the results that are there. It has no inputs, so that it starts no search and no training."""
    output:
        "results/tables/partial/{table}.md",
        "results/tables/partial/{table}.csv",
        "results/tables/partial/{table}.tex",
        "results/tables/partial/{table}.html",
    log:
        "results/logs/tables/partial/{table}.log",
    conda:
        "../envs/pdarts.yaml"
    resources:
        mem_mb=memory("short"),
        runtime=minutes("short"),
    params:
        extensions=all_extensions,
        results=results_so_far,
        table=table_settings,
    message:
        "Set the table {wildcards.table} as far as there are results"
    shell:
        command("report") + " {params.extensions} --table {params.table:q} --partial"
        " --output-stem results/tables/partial/{wildcards.table} 2> >(trap '' TERM INT; tee {log} >&2)"
