"""The project's own `config.yaml`, checked."""

from pathlib import Path

import yaml

from pdarts.settings.config import parse_config

ROOT = Path(__file__).parents[1]
CONFIG = parse_config(yaml.safe_load((ROOT / "config.yaml").read_text()))
