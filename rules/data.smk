"""From a source to a manifest that every later step checks its images against."""


rule prepare:
    output:
        "results/data/{dataset}.json",
    log:
        "results/logs/prepare/{dataset}.log",
    conda:
        "../envs/pdarts.yaml"
    threads: prepare_threads
    params:
        machine=machine,
        settings=dataset_settings,
    message:
        "Prepare images of {wildcards.dataset}"
    shell:
        command("prepare") + " --settings {params.settings:q} --output {output}"
        " --machine {params.machine:q} 2> >(tee {log} >&2)"
