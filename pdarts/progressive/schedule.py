"""The schedule of skip dropout.

Source: Chen et al. 2019 (arXiv:1904.12760), section 3.3, search space regularization.
"""

import math

from pdarts.settings.searches import StageSettings

DECAY = 0.2
"""Rate of the exponential decay per epoch, once alphas move."""


def skip_dropout(stage: StageSettings, epoch: int) -> float:
    """Dropout rate after skip connections in `epoch`, from 0.

    It falls linearly while alphas are frozen, jumps back to the stage's rate when they start to move, and decays
    exponentially from there.
    """
    if epoch < stage.frozen_epochs:
        return stage.skip_dropout * (stage.epochs - epoch - 1) / stage.epochs
    return stage.skip_dropout * math.exp(-DECAY * (epoch - stage.frozen_epochs))
