"""Every source, read from files in its exact format, and what a user is told when they are not as they should be."""

import gzip
import hashlib
import pickle
from collections import Counter
from pathlib import Path

import pytest
import torch
from torchvision.datasets import CIFAR10, CIFAR100

from pdarts.data import fashion_mnist, uci_digits
from pdarts.data.catalog import SOURCES
from pdarts.data.split import Split
from pdarts.errors import InputError
from tests.data.formats import (
    CIFAR10_CLASSES,
    accept_cifar,
    accept_fashion_mnist,
    write_cifar10,
    write_cifar100,
    write_fashion_mnist,
)
from tests.data.sources import Images, load

NOWHERE = Path("no/such/folder")
PACKAGED_FASHION_MNIST = Path("/usr/share/datasets/fashion-mnist")  # Debian, Ubuntu: dataset-fashion-mnist


def same(found: Split, expected: Split) -> bool:
    return torch.equal(found.images, expected.images) and torch.equal(found.labels, expected.labels)


@pytest.mark.parametrize("name", ["digits", "cifar10_stand_in", "cifar100_stand_in"])
def test_a_record_states_the_size_and_number_of_its_images(name: str, tmp_path: Path) -> None:
    source, images = SOURCES[name], load(name, tmp_path, download=True)
    assert images.train.images.shape == (source.train_images, 3, source.image_size, source.image_size)
    assert images.test.images.shape == (source.test_images, 3, source.image_size, source.image_size)
    assert len(images.classes) == source.classes


# Digits


@pytest.fixture
def digits() -> Images:
    return load("digits", NOWHERE, download=False)


def lines_of_digits() -> list[tuple[list[int], int]]:
    text = gzip.decompress(uci_digits.FILE.read_bytes()).decode()
    rows = [[int(value) for value in line.split(",")] for line in text.splitlines()]
    return [(row[:64], row[64]) for row in rows]


def test_the_digits_file_holds_1797_images_of_8_by_8_with_values_up_to_16() -> None:
    lines = lines_of_digits()
    assert len(lines) == 1797
    assert {len(pixels) for pixels, _ in lines} == {64}
    assert {value for pixels, _ in lines for value in pixels} == set(range(17))
    assert {label for _, label in lines} == set(range(10))


def test_every_fourth_digit_of_a_class_is_a_test_image_and_the_order_is_kept(digits: Images) -> None:
    seen: Counter[int] = Counter()
    train, test = [], []
    for pixels, label in lines_of_digits():
        (test if seen[label] % 4 == 3 else train).append((pixels, label))
        seen[label] += 1
    assert (len(train), len(test)) == (len(digits.train), len(digits.test)) == (1352, 445)
    for split, lines in ((digits.train, train), (digits.test, test)):
        assert split.labels.tolist() == [label for _, label in lines]
        small = split.images[:, 0, ::2, ::2].flatten(1)
        assert small.tolist() == [[int(value * 255 / 16 + 0.5) for value in pixels] for pixels, _ in lines]


def test_each_class_of_digits_gives_a_quarter_to_the_test_images(digits: Images) -> None:
    train, test = torch.bincount(digits.train.labels), torch.bincount(digits.test.labels)
    assert torch.equal(test, (train + test) // 4)


def test_a_digit_is_grey_in_three_channels_and_each_pixel_a_block_of_four(digits: Images) -> None:
    for split in (digits.train, digits.test):
        assert split.images.dtype == torch.uint8
        assert split.labels.dtype == torch.int64
        assert split.images.shape[1:] == (3, 16, 16)
        assert torch.equal(split.images[:, 0], split.images[:, 1])
        assert torch.equal(split.images[:, 0], split.images[:, 2])
        for row, column in ((0, 1), (1, 0), (1, 1)):
            assert torch.equal(split.images[:, :, row::2, column::2], split.images[:, :, ::2, ::2])
    assert digits.classes == tuple("0123456789")


def test_the_readme_beside_the_digits_states_their_checksum() -> None:
    found = hashlib.sha256(uci_digits.FILE.read_bytes()).hexdigest()
    assert found == uci_digits.SHA256
    assert found in (uci_digits.FILE.parent / "README.md").read_text(encoding="utf-8")


def test_a_digits_file_with_one_changed_byte_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = bytearray(uci_digits.FILE.read_bytes())
    content[1000] ^= 1
    copy = tmp_path / "digits.csv.gz"
    copy.write_bytes(content)
    monkeypatch.setattr(uci_digits, "FILE", copy)
    with pytest.raises(InputError, match=rf"{copy}.*{hashlib.sha256(content).hexdigest()}.*restore it"):
        load("digits", NOWHERE, download=False)


# Fashion-MNIST


@pytest.mark.parametrize("compress", [True, False], ids=["compressed", "plain"])
@pytest.mark.parametrize("folder", [".", "FashionMNIST/raw"])
def test_fashion_mnist_is_read_padded_and_repeated(
    folder: str, compress: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = write_fashion_mnist(tmp_path / folder, compress=compress)
    accept_fashion_mnist(monkeypatch, tmp_path / folder)
    images = load("fashion_mnist", tmp_path, download=False)
    for split, part, count in ((images.train, "train", 60), (images.test, "t10k", 20)):
        assert split.images.dtype == torch.uint8
        assert split.images.shape == (count, 3, 32, 32)
        for channel in range(3):
            assert torch.equal(split.images[:, channel, 2:30, 2:30], written[f"{part}-images-idx3-ubyte"])
        split.images[:, :, 2:30, 2:30] = 0
        assert not split.images.any()
        assert torch.equal(split.labels, written[f"{part}-labels-idx1-ubyte"].long())
    assert images.classes[0] == "T-shirt/top"
    assert len(images.classes) == 10


@pytest.mark.skipif(not PACKAGED_FASHION_MNIST.is_dir(), reason=f"{PACKAGED_FASHION_MNIST} is not installed")
def test_the_real_fashion_mnist_has_the_expected_images() -> None:
    images = load("fashion_mnist", PACKAGED_FASHION_MNIST, download=False)
    assert torch.bincount(images.train.labels).tolist() == [6000] * 10
    assert torch.bincount(images.test.labels).tolist() == [1000] * 10
    assert images.train.images.shape == (60000, 3, 32, 32)
    assert images.test.images.shape == (10000, 3, 32, 32)
    assert images.classes[images.train.labels[0]] == "Ankle boot"


def test_a_compressed_file_that_is_cut_off_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_fashion_mnist(tmp_path)
    accept_fashion_mnist(monkeypatch, tmp_path)
    cut = tmp_path / "train-images-idx3-ubyte.gz"
    cut.write_bytes(cut.read_bytes()[:1000])
    with pytest.raises(InputError, match=rf"{cut} is cut off or another file: gzip says .*; delete it, then get"):
        load("fashion_mnist", tmp_path, download=False)


@pytest.mark.parametrize("content", [b"", b"<html>not found</html>"], ids=["empty", "a web page"])
def test_a_compressed_file_that_is_none_is_named(
    content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_fashion_mnist(tmp_path)
    accept_fashion_mnist(monkeypatch, tmp_path)
    wrong = tmp_path / "t10k-labels-idx1-ubyte.gz"
    wrong.write_bytes(content)
    with pytest.raises(InputError, match=rf"{wrong} is cut off or another file: .*; delete it"):
        load("fashion_mnist", tmp_path, download=False)


def test_a_plain_file_that_is_cut_off_is_named_with_what_was_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_fashion_mnist(tmp_path, compress=False)
    accept_fashion_mnist(monkeypatch, tmp_path)
    cut = tmp_path / "t10k-images-idx3-ubyte"
    content = cut.read_bytes()[:-1]
    cut.write_bytes(content)
    found, expected = hashlib.sha256(content).hexdigest(), fashion_mnist.SHA256[cut.name]
    with pytest.raises(InputError, match=rf"{cut} .*15,695 bytes with sha256 {found}.*sha256 {expected} was expected"):
        load("fashion_mnist", tmp_path, download=False)


def test_the_files_of_mnist_are_not_taken_for_fashion_mnist(tmp_path: Path) -> None:
    write_fashion_mnist(tmp_path)  # the same names and format, other images
    with pytest.raises(InputError, match=r"train-images-idx3-ubyte.gz is cut off or another file"):
        load("fashion_mnist", tmp_path, download=False)


def test_missing_files_of_fashion_mnist_are_listed_with_what_to_do(tmp_path: Path) -> None:
    write_fashion_mnist(tmp_path)
    (tmp_path / "train-labels-idx1-ubyte.gz").unlink()
    (tmp_path / "train-images-idx3-ubyte.gz").unlink()
    with pytest.raises(InputError) as caught:
        load("fashion_mnist", tmp_path, download=False)
    message = str(caught.value)
    assert f"{tmp_path}/train-images-idx3-ubyte is not there (nor is train-labels-idx1-ubyte)" in message
    assert "https://github.com/zalandoresearch/fashion-mnist" in message
    assert "machine.data_roots.fashion_mnist" in message
    assert "machine.download: true" in message


# CIFAR


def test_cifar10_is_read_as_it_was_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = write_cifar10(tmp_path)
    accept_cifar(monkeypatch, CIFAR10, tmp_path)
    images = load("cifar10", tmp_path, download=False)
    assert images.train.images.shape == (100, 3, 32, 32)
    assert same(images.train, written.train)
    assert same(images.test, written.test)
    assert images.classes == CIFAR10_CLASSES


def test_cifar100_is_read_with_its_fine_labels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = write_cifar100(tmp_path)
    accept_cifar(monkeypatch, CIFAR100, tmp_path)
    images = load("cifar100", tmp_path, download=False)
    assert images.train.labels.max() > 90
    assert same(images.train, written.train)
    assert same(images.test, written.test)
    assert images.classes == written.classes


def test_a_missing_cifar_file_is_named_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_cifar10(tmp_path)
    accept_cifar(monkeypatch, CIFAR10, tmp_path)
    missing = tmp_path / "cifar-10-batches-py" / "data_batch_3"
    missing.unlink()
    with pytest.raises(InputError) as caught:
        load("cifar10", tmp_path, download=False)
    message = str(caught.value)
    assert f"{missing} is not there; get the data set from https://www.cs.toronto.edu/~kriz/cifar.html" in message
    assert f"unpack it into {tmp_path}" in message
    assert "machine.data_roots.cifar10 in config.yaml" in message
    assert "machine.download: true" in message


@pytest.mark.parametrize("name", ["data_batch_1", "test_batch", "batches.meta"])
def test_a_cifar_file_that_is_cut_off_is_named(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_cifar10(tmp_path)
    accept_cifar(monkeypatch, CIFAR10, tmp_path)
    cut = tmp_path / "cifar-10-batches-py" / name
    content = cut.read_bytes()
    cut.write_bytes(content[:-9])
    found, expected = (hashlib.md5(part).hexdigest() for part in (content[:-9], content))
    with pytest.raises(InputError, match=rf"{cut} is cut off.*md5 {found} were found, md5 {expected} was expected"):
        load("cifar10", tmp_path, download=False)


def test_a_cifar_file_of_other_content_is_refused_before_it_is_unpickled(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> object:
            return Path.mkdir, (tmp_path / "sprung",)

    trap = pickle.dumps(Trap(), protocol=2)
    write_cifar10(tmp_path)
    for file in (tmp_path / "cifar-10-batches-py").iterdir():
        file.write_bytes(trap)
    with pytest.raises(InputError, match="cut off or another file"):
        load("cifar10", tmp_path, download=False)
    assert not (tmp_path / "sprung").exists()
    pickle.loads(trap)  # noqa: S301 (the trap itself works)
    assert (tmp_path / "sprung").exists()


def test_labels_without_a_class_name_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_cifar10(tmp_path, classes=CIFAR10_CLASSES[:9])
    accept_cifar(monkeypatch, CIFAR10, tmp_path)
    with pytest.raises(InputError, match=r"labels in .* go up to class 9, but only 9 classes are named"):
        load("cifar10", tmp_path, download=False)


# Stand-ins


@pytest.mark.parametrize("source", ["cifar10_stand_in", "cifar100_stand_in"])
def test_digits_stand_in_in_files_that_are_written_where_they_are_missing(source: str, tmp_path: Path) -> None:
    classes = SOURCES[source].classes
    with pytest.raises(InputError, match=r"is not there .* set machine\.download: true"):
        load(source, tmp_path, download=False)
    images = load(source, tmp_path, download=True)
    assert same(images.test, load(source, tmp_path, download=False).test)
    assert torch.bincount(images.train.labels, minlength=classes).min() > 0
    digits = load("digits", NOWHERE, download=False).train
    assert torch.equal(images.train.labels // (classes // 10), digits.labels)
    assert torch.equal(images.train.images[0, 0, ::2, ::2], digits.images[0, 0])  # the first one's ink is white


def test_stand_ins_are_not_taken_for_cifar(tmp_path: Path) -> None:
    load("cifar10_stand_in", tmp_path, download=True)
    with pytest.raises(InputError, match=r"cifar10: .*data_batch_1 is cut off or another file"):
        load("cifar10", tmp_path, download=False)


def test_a_stand_in_of_other_content_is_refused_before_it_is_unpickled(tmp_path: Path) -> None:
    load("cifar10_stand_in", tmp_path, download=True)
    path = tmp_path / "cifar-10-batches-py" / "data_batch_2"
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(InputError, match=rf"{path} is cut off or another file"):
        load("cifar10_stand_in", tmp_path, download=True)
