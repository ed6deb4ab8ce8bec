"""From a source to a manifest that every later step checks its images against."""


rule prepare:
    output:
        "results/data/{dataset}.json",
    log:
        "results/logs/prepare/{dataset}.log",
    conda:
        "../envs/pdarts.yaml"
    params:
        settings=dataset_settings,
        code=fingerprint("prepare"),
    shell:
        "python -m pdarts.prepare --settings {params.settings:q} --output {output}"
        " --machine {MACHINE:q} 2> >(tee {log} >&2)"
