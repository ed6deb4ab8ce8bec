"""Where results lie: every path below `results/`, for rules, tools, reports and tests.

Words in braces are the wildcards of the workflow; `STAGE.format(search="digits", seed=0, stage=1)` fills them in.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

RESULTS = Path("results")
REHEARSAL = RESULTS / "REHEARSAL"
"""The file that marks a results folder as a rehearsal's."""

SOURCE_FILES = "results/data/files/{source}.json"
MANIFEST = "results/data/{dataset}.json"

SEARCH = "results/search/{search}"
SEARCH_CURVES = f"{SEARCH}/curves.svg"
"""Curves of all seeds of a search."""
SEARCH_SEED = f"{SEARCH}/seed{{seed}}"
STAGE = f"{SEARCH_SEED}/stage{{stage}}.json"
STAGE_METRICS = f"{SEARCH_SEED}/stage{{stage}}.metrics.jsonl"
TRACE = f"{SEARCH_SEED}/trace.jsonl"
SEED_CURVES = f"{SEARCH_SEED}/curves.svg"
GENOTYPE = f"{SEARCH_SEED}/genotype{{variant}}.json"
CHOSEN_GENOTYPE = f"{SEARCH}/chosen/genotype{{variant}}.json"
CHOICE = f"{SEARCH}/chosen/choice{{variant}}.json"
RANDOM_GENOTYPE = "results/random/seed{seed}/genotype{variant}.json"

RANDOM_SEARCH = "results/random_search/{random_search}"
DRAWN_GENOTYPE = f"{RANDOM_SEARCH}/draw{{draw}}/genotype.json"
BEST_DRAW = f"{RANDOM_SEARCH}/seed{{seed}}/genotype.json"
"""The genotype that a seed of a random search chooses among its draws."""
CHOICE_OF_DRAW = f"{RANDOM_SEARCH}/seed{{seed}}/choice.json"

TRAINING = "results/train/{training}"
TRAINING_CURVES = f"{TRAINING}/curves.svg"
TRAINING_SEED = f"{TRAINING}/seed{{seed}}"
WEIGHTS = f"{TRAINING_SEED}/weights.pt"
METRICS = f"{TRAINING_SEED}/metrics.jsonl"
TEST = f"{TRAINING_SEED}/test.json"
CELLS = f"{TRAINING_SEED}/cells.svg"
EXPORT = f"{TRAINING_SEED}/network"
"""The stem of an exported network's files."""
EXPORT_FORMS = ("onnx", "pt2", "safetensors")
CHECKPOINT_TEST = "results/checkpoints/{checkpoint}/test.json"

TABLE = "results/tables/{table}"
"""The stem of a table's four files."""
PARTIAL_TABLE = "results/tables/partial/{table}"
TABLE_FORMS = ("md", "csv", "tex", "html")

CALIBRATION = "results/calibration/{device}.json"

LOGS = {
    "download": "results/logs/download/{source}.log",
    "prepare": "results/logs/prepare/{dataset}.log",
    "search": "results/logs/search/{search}/seed{seed}/stage{stage}.log",
    "derive": "results/logs/search/{search}/seed{seed}/derive{variant}.log",
    "trace": "results/logs/search/{search}/seed{seed}/trace.log",
    "choose": "results/logs/search/{search}/chosen/choose{variant}.log",
    "sample": "results/logs/random/seed{seed}/sample{variant}.log",
    "sample_draw": "results/logs/random_search/{random_search}/draw{draw}/sample.log",
    "choose_draw": "results/logs/random_search/{random_search}/seed{seed}/choose.log",
    "train": "results/logs/train/{training}/seed{seed}/train.log",
    "test": "results/logs/train/{training}/seed{seed}/test.log",
    "test_checkpoint": "results/logs/checkpoints/{checkpoint}/test.log",
    "export": "results/logs/train/{training}/seed{seed}/export.log",
    "draw": "results/logs/train/{training}/seed{seed}/draw.log",
    "search_curves": "results/logs/search/{search}/seed{seed}/curves.log",
    "searches_curves": "results/logs/search/{search}/curves.log",
    "training_curves": "results/logs/train/{training}/curves.log",
    "report": "results/logs/tables/{table}.log",
    "report_so_far": "results/logs/tables/partial/{table}.log",
}
"""The log of every rule."""

PATTERNS = {
    **dict.fromkeys(("dataset", "source", "search", "random_search", "training"), r"[^/]+"),
    **dict.fromkeys(("checkpoint", "table", "device"), r"[^/]+"),
    **dict.fromkeys(("seed", "draw"), r"0|[1-9]\d*"),
    "stage": r"[1-9]\d*",
    "variant": r"|_skips(?:0|[1-9]\d*)|_stage[1-9]\d*",
}
"""Values that each wildcard may have, as a regular expression."""

FILES = (
    *(SOURCE_FILES, MANIFEST, STAGE, STAGE_METRICS, GENOTYPE, CHOSEN_GENOTYPE, CHOICE, RANDOM_GENOTYPE, CALIBRATION),
    *(TRACE, DRAWN_GENOTYPE, BEST_DRAW, CHOICE_OF_DRAW),
    *(WEIGHTS, METRICS, TEST, CELLS, CHECKPOINT_TEST, SEED_CURVES, SEARCH_CURVES, TRAINING_CURVES),
    *(f"{EXPORT}.{form}" for form in EXPORT_FORMS),
    *(f"{table}.{form}" for table in (PARTIAL_TABLE, TABLE) for form in TABLE_FORMS),
    *LOGS.values(),
)
"""All files that jobs and tools write."""

FOLDERS = (
    *(SEARCH_SEED, TRAINING_SEED, f"{SEARCH}/chosen", SEARCH, TRAINING),
    *(f"{RANDOM_SEARCH}/draw{{draw}}", f"{RANDOM_SEARCH}/seed{{seed}}", RANDOM_SEARCH),
    *("results/random/seed{seed}", "results/checkpoints/{checkpoint}"),
)
"""Folders of one entry of the config each, the innermost first; all files in a folder belong to its entry."""


def forms(stem: str, endings: Iterable[str] = TABLE_FORMS) -> list[str]:
    """List the files of a table, or others with a common stem."""
    return [f"{stem}.{ending}" for ending in endings]


def in_command(template: str) -> str:
    """Write a path as the command of a rule names it, with `{wildcards.seed}` for `{seed}`."""
    return template.replace("{", "{wildcards.")


def variant(max_skips: int | None = None, stage: int | None = None) -> str:
    """Make the end of a genotype's name that has another skip limit than its search, or is from an earlier stage."""
    if stage is not None:
        return f"_stage{stage}"
    return "" if max_skips is None else f"_skips{max_skips}"


def number_in(variant: str, kind: str) -> int | None:
    """Read the number after `skips` or `stage` in the end of a genotype's name; None if there is none."""
    _, _, digits = variant.partition(f"_{kind}")
    return int(digits) if digits else None


def wildcards_of(path: Path) -> Mapping[str, str]:
    """Read the values of wildcards from the path of a file, such as `{"search": "digits", "seed": "0", "stage": "1"}`.

    Args:
        path: a file below `results/`; if it belongs to nothing in the config, there are no wildcards.
    """
    text = path.as_posix()
    for template, end in (*((file, "") for file in FILES), *((folder, "/.*") for folder in FOLDERS)):
        if found := re.fullmatch(_expression(template) + end, text):
            return found.groupdict()
    return {}


def _expression(template: str) -> str:
    """Make a regular expression with a group for each wildcard of a path."""
    parts = re.split(r"\{(\w+)\}", template)
    texts, names = map(re.escape, parts[::2]), [*(f"(?P<{name}>{PATTERNS[name]})" for name in parts[1::2]), ""]
    return "".join(text + name for text, name in zip(texts, names, strict=True))
