"""Every image counts once, whatever the batches."""

import pytest
import torch
from torch.nn import functional as F

from pdarts.engine.metrics import Tally, evaluate

CPU = torch.device("cpu")


def test_accuracy_and_loss_do_not_depend_on_the_batch_size() -> None:
    torch.manual_seed(0)
    logits, labels = torch.randn(50, 10), torch.randint(10, (50,))
    expected_top5 = sum(
        label in row for row, label in zip(logits.topk(5).indices.tolist(), labels.tolist(), strict=True)
    )
    for size in (50, 16, 7):
        tally = evaluate(lambda batch: batch, zip(logits.split(size), labels.split(size), strict=True), CPU)
        assert tally.images == 50
        assert tally.loss == pytest.approx(F.cross_entropy(logits, labels).item(), rel=1e-6)
        assert tally.top1 == pytest.approx(100 * (logits.argmax(1) == labels).float().mean().item())
        assert tally.top5 == 100 * expected_top5 / 50


def test_with_fewer_than_five_classes_everything_is_among_the_first_five() -> None:
    tally = Tally(CPU)
    tally.add(torch.tensor(1.0), torch.tensor([[0.1, 0.2, 0.3]]), torch.tensor([0]))
    assert (tally.top1, tally.top5) == (0, 100)
