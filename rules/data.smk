"""Prepares data sets.

Input: files of a public data set, which `download` fetches where they are missing, or image files in folders.
Output: `results/data/{dataset}.json`, a manifest that every later step checks its images against.
"""


rule download:
    output:
        paths.SOURCE_FILES,
    log:
        paths.LOGS["download"],
    conda:
        "../envs/pdarts.yaml"
    resources:
        mem_mb=needed("memory"),
        runtime=needed("minutes"),
    params:
        machine=ask_aside(machine),
    message:
        "Look for the files of {wildcards.source}, and fetch those that are missing"
    shell:
        command("download", "--source {wildcards.source} --output {output:q} --machine {params.machine:q}")


rule prepare:
    input:
        ancient(ask(source_files)),
    output:
        paths.MANIFEST,
    log:
        paths.LOGS["prepare"],
    conda:
        "../envs/pdarts.yaml"
    threads: needed("threads", "prepare")
    resources:
        mem_mb=needed("memory", "prepare"),
        runtime=needed("minutes", "prepare"),
    params:
        machine=ask_aside(machine),
        settings=ask(dataset_settings),
    message:
        "Prepare images of {wildcards.dataset}"
    shell:
        command("prepare", "--settings {params.settings:q} --output {output:q} --machine {params.machine:q}")
