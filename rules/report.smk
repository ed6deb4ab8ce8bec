"""Draws and tabulates results.

Input: genotypes, stage files, metrics and tests.
Output: drawings of cells, traces of searches, curves, and each table as Markdown, CSV, LaTeX and HTML.
"""


rule draw:
    input:
        ask(genotypes.genotype_of),
    output:
        report(
            paths.CELLS,
            caption="captions/cells.rst",
            category="Cells",
            labels={"training": "{training}", "seed": "{seed}"},
        ),
    log:
        paths.LOGS["draw"],
    conda:
        "../envs/pdarts.yaml"
    resources:
        mem_mb=needed("memory"),
        runtime=needed("minutes"),
    params:
        extensions=ask_aside(code.for_training),
    message:
        "Draw the cells of {wildcards.training}, seed {wildcards.seed}"
    shell:
        command("draw", "{params.extensions} --genotype {input:q} --output {output:q}")


rule trace:
    input:
        stages=ask(genotypes.stage_files, template=paths.STAGE),
        metrics=ask(genotypes.stage_files, template=paths.STAGE_METRICS),
    output:
        paths.TRACE,
    log:
        paths.LOGS["trace"],
    conda:
        "../envs/pdarts.yaml"
    resources:
        mem_mb=needed("memory"),
        runtime=needed("minutes"),
    params:
        code=ask(code.trace_code),
        extensions=ask_aside(code.for_search),
        max_skips=ask(genotypes.skip_limit, variant=""),
    message:
        "Trace the cells of search {wildcards.search}, seed {wildcards.seed}, epoch by epoch"
    shell:
        command(
            "trace",
            "{params.extensions} --stages {input.stages:q} --metrics {input.metrics:q} {params.max_skips} --output {output:q}",
            code="{params.code}",
        )


rule search_curves:
    input:
        stages=ask(genotypes.stage_files, template=paths.STAGE),
        metrics=ask(genotypes.stage_files, template=paths.STAGE_METRICS),
        trace=paths.TRACE,
    output:
        report(
            paths.SEED_CURVES,
            caption="captions/search.rst",
            category="Curves",
            labels={"of": "search {search}, seed {seed}"},
        ),
    log:
        paths.LOGS["search_curves"],
    conda:
        "../envs/pdarts.yaml"
    resources:
        mem_mb=needed("memory"),
        runtime=needed("minutes"),
    message:
        "Draw the curves of search {wildcards.search}, seed {wildcards.seed}"
    shell:
        command(
            "curves",
            "--title 'Search {wildcards.search}, seed {wildcards.seed}' --stages {input.stages:q} --metrics {input.metrics:q}"
            " --traces {input.trace:q} --output {output:q}",
        )


rule searches_curves:
    input:
        stages=ask(genotypes.stages_of_seeds, template=paths.STAGE),
        metrics=ask(genotypes.stages_of_seeds, template=paths.STAGE_METRICS),
        traces=ask(genotypes.traces_of_seeds),
    output:
        report(
            paths.SEARCH_CURVES, caption="captions/search.rst", category="Curves", labels={"of": "searches {search}"}
        ),
    log:
        paths.LOGS["searches_curves"],
    conda:
        "../envs/pdarts.yaml"
    resources:
        mem_mb=needed("memory"),
        runtime=needed("minutes"),
    message:
        "Draw the curves of all seeds of search {wildcards.search}"
    shell:
        command(
            "curves",
            "--title 'Search {wildcards.search}' --stages {input.stages:q} --metrics {input.metrics:q}"
            " --traces {input.traces:q} --output {output:q}",
        )


rule training_curves:
    input:
        ask(genotypes.metrics_of_seeds),
    output:
        report(
            paths.TRAINING_CURVES,
            caption="captions/training.rst",
            category="Curves",
            labels={"of": "training {training}"},
        ),
    log:
        paths.LOGS["training_curves"],
    conda:
        "../envs/pdarts.yaml"
    resources:
        mem_mb=needed("memory"),
        runtime=needed("minutes"),
    message:
        "Draw the curves of training {wildcards.training}"
    shell:
        command("curves", "--title 'Training {wildcards.training}' --metrics {input:q} --output {output:q}")


rule report:
    input:
        ask(tables.table_inputs),
    output:
        report(
            f"{paths.TABLE}.md",
            caption="captions/table.rst",
            category="Tables",
            labels={"table": "{table}", "form": "Markdown"},
        ),
        f"{paths.TABLE}.csv",
        f"{paths.TABLE}.tex",
        report(
            f"{paths.TABLE}.html",
            caption="captions/table.rst",
            category="Tables",
            labels={"table": "{table}", "form": "page"},
        ),
    log:
        paths.LOGS["report"],
    conda:
        "../envs/pdarts.yaml"
    resources:
        mem_mb=needed("memory"),
        runtime=needed("minutes"),
    params:
        extensions=ask_aside(code.for_all),
        table=ask(tables.table_settings),
    message:
        "Set the table {wildcards.table}"
    shell:
        command(
            "report",
            "{params.extensions} --table {params.table:q}" f" --output-stem {paths.in_command(paths.TABLE)}",
        )


rule report_so_far:
    """A table of the results that are there. It has no inputs, so that it starts no search and no training."""
    output:
        paths.forms(paths.PARTIAL_TABLE),
    log:
        paths.LOGS["report_so_far"],
    conda:
        "../envs/pdarts.yaml"
    resources:
        mem_mb=needed("memory"),
        runtime=needed("minutes"),
    params:
        extensions=ask_aside(code.for_all),
        results=ask(tables.results_so_far),
        table=ask(tables.table_settings),
    message:
        "Set the table {wildcards.table} as far as there are results"
    shell:
        command(
            "report",
            "{params.extensions} --table {params.table:q} --partial"
            f" --output-stem {paths.in_command(paths.PARTIAL_TABLE)}",
        )
