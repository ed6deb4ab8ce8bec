"""What a result says of the code that made it."""

from argparse import Namespace
from pathlib import Path

import torch

from pdarts.engine.invocation import Invocation
from pdarts.sources import fingerprint


def test_the_code_is_that_of_the_beginning_though_files_are_edited_while_a_step_runs(tmp_path: Path) -> None:
    extension = tmp_path / "mine.py"
    extension.write_text("RATE = 1\n")
    began = fingerprint("train", extensions=[str(extension)])
    call = Invocation("train", Namespace(experiment="mine", rehearsal=False, extensions=[str(extension)], seed=0))
    extension.write_text("RATE = 2\n")
    assert fingerprint("train", extensions=[str(extension)]) != began
    assert call.provenance(torch.device("cpu"), {})["code"] == began
