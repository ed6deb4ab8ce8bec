"""From a source to a manifest that every later step checks its images against. Only `download` needs a network."""


rule download:
    output:
        "results/data/files/{source}.json",
    log:
        "results/logs/download/{source}.log",
    conda:
        "../envs/pdarts.yaml"
    resources:
        mem_mb=memory("short"),
        runtime=minutes("short"),
    params:
        machine=machine,
    message:
        "Look for the files of {wildcards.source}, and fetch those that are missing"
    shell:
        command("download") + " --source {wildcards.source} --output {output}"
        " --machine {params.machine:q} 2> >(trap '' TERM INT; tee {log} >&2)"


rule prepare:
    input:
        ancient(downloaded),
    output:
        "results/data/{dataset}.json",
    log:
        "results/logs/prepare/{dataset}.log",
    conda:
        "../envs/pdarts.yaml"
    threads: prepare_threads
    resources:
        mem_mb=memory("prepare"),
        runtime=minutes("prepare"),
    params:
        machine=machine,
        settings=dataset_settings,
    message:
        "Prepare images of {wildcards.dataset}"
    shell:
        command("prepare") + " --settings {params.settings:q} --output {output}"
        " --machine {params.machine:q} 2> >(trap '' TERM INT; tee {log} >&2)"
