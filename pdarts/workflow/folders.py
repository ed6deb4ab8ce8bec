"""Compares image folders with the manifests that describe them, without reading an image."""

from collections import defaultdict
from functools import cache
from pathlib import Path

from pdarts import paths
from pdarts.data import changes
from pdarts.settings.config import Config
from pdarts.settings.datasets import ImageFolder


def outdated(config: Config) -> list[str]:
    """Say which manifests are older than the images of their folder, and how to renew them; a sentence for each change.

    Images that were added later are in no result, and Snakemake cannot know of them.
    """
    since_indexed = cache(changes.since_indexed)  # several datasets may have the same folder
    manifests = defaultdict(list)
    for name, dataset in config.datasets.items():
        manifest, root = Path(paths.MANIFEST.format(dataset=name)), Path(config.machine.data_root(dataset.folder))
        if isinstance(dataset, ImageFolder) and manifest.exists():
            change = since_indexed(root) or changes.since_described(root, manifest)
            manifests[change].append(str(manifest))
    return [
        f"{change} since {', '.join(older)} described the images, so results do not know them as they are now; to "
        f"take them up, call snakemake --force {' '.join(older)} with your other options, then this target again"
        for change, older in manifests.items()
        if change
    ]
