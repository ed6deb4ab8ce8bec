"""The project's own `config.yaml`, checked."""

from pathlib import Path

import yaml

from pdarts.checking import parse
from pdarts.settings.config import Config

ROOT = Path(__file__).parents[1]
CONFIG = parse(Config, yaml.safe_load((ROOT / "config.yaml").read_text()), "config.yaml")
