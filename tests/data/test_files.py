"""Downloads, from a server of this process, and what is said when there is no network."""

import gzip
import hashlib
import http.server
import socket
import tarfile
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import torch
from torchvision.datasets import CIFAR10, FashionMNIST

from pdarts.data import files
from pdarts.errors import InputError
from tests.data.formats import accept_cifar, accept_fashion_mnist, write_cifar10, write_fashion_mnist
from tests.data.sources import load


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder and the address under which its files can be fetched."""
    folder = tmp_path / "served"
    folder.mkdir()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietHandler, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield folder, f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


def serve_cifar10(served: tuple[Path, str], source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, address = served
    archive = folder / CIFAR10.filename
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(source / CIFAR10.base_folder, CIFAR10.base_folder)
    monkeypatch.setattr(CIFAR10, "url", address + CIFAR10.filename)
    monkeypatch.setattr(CIFAR10, "tgz_md5", hashlib.md5(archive.read_bytes()).hexdigest())


def closed_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def test_missing_cifar_files_are_fetched_where_that_is_allowed(
    served: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = write_cifar10(tmp_path / "original")
    accept_cifar(monkeypatch, CIFAR10, tmp_path / "original")
    serve_cifar10(served, tmp_path / "original", monkeypatch)
    root = tmp_path / "data" / "cifar10"
    with pytest.raises(InputError):
        load("cifar10", root, download=False)
    assert not root.exists()
    assert torch.equal(load("cifar10", root, download=True).train.images, written.train.images)
    assert torch.equal(load("cifar10", root, download=False).test.images, written.test.images)
    assert [path.name for path in root.iterdir()] == ["cifar-10-batches-py"]


def test_missing_fashion_mnist_files_are_fetched_where_that_is_allowed(
    served: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, address = served
    written = write_fashion_mnist(folder)
    accept_fashion_mnist(monkeypatch, folder)
    md5 = {name: hashlib.md5((folder / name).read_bytes()).hexdigest() for name, _ in FashionMNIST.resources}
    monkeypatch.setattr(FashionMNIST, "mirrors", [address])
    monkeypatch.setattr(FashionMNIST, "resources", list(md5.items()))
    root = tmp_path / "data"
    images = load("fashion_mnist", root, download=True)
    assert torch.equal(images.test.labels, written["t10k-labels-idx1-ubyte"].long())
    assert load("fashion_mnist", root, download=False).train.images.equal(images.train.images)


def test_a_wrong_file_is_reported_and_never_overwritten(
    served: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_cifar10(tmp_path / "original")
    accept_cifar(monkeypatch, CIFAR10, tmp_path / "original")
    serve_cifar10(served, tmp_path / "original", monkeypatch)
    write_cifar10(tmp_path / "data")
    mine = tmp_path / "data" / "cifar-10-batches-py" / "data_batch_2"
    mine.write_bytes(b"my own")
    with pytest.raises(InputError, match=f"{mine} is cut off or another file"):
        load("cifar10", tmp_path / "data", download=True)
    assert mine.read_bytes() == b"my own"


def test_an_archive_that_arrives_damaged_leaves_no_file_behind(
    served: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_cifar10(tmp_path / "original")
    accept_cifar(monkeypatch, CIFAR10, tmp_path / "original")
    serve_cifar10(served, tmp_path / "original", monkeypatch)
    archive = served[0] / CIFAR10.filename
    archive.write_bytes(archive.read_bytes()[:-100])
    with pytest.raises(InputError, match=r"is not there .*, and the download failed: .*; get the data set from"):
        load("cifar10", tmp_path / "data", download=True)
    assert list((tmp_path / "data").iterdir()) == []


@pytest.mark.parametrize("source", ["cifar10", "fashion_mnist"])
def test_without_a_network_the_message_says_at_once_what_to_do(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = f"http://127.0.0.1:{closed_port()}/"
    monkeypatch.setattr(CIFAR10, "url", address)
    monkeypatch.setattr(FashionMNIST, "mirrors", [address])
    started = time.monotonic()
    with pytest.raises(InputError) as caught:
        load(source, tmp_path, download=True)
    message = str(caught.value)
    assert time.monotonic() - started < 5
    assert "is not there" in message
    assert "the download failed" in message
    assert "refused" in message
    assert f"machine.data_roots.{source} in config.yaml" in message
    assert "machine.download" not in message
    assert "\n" not in message


@pytest.mark.parametrize("source", ["cifar10", "fashion_mnist"])
def test_a_server_that_never_answers_is_given_up(source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "SECONDS_WITHOUT_ANSWER", 0.2)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        monkeypatch.setattr(CIFAR10, "url", address)
        monkeypatch.setattr(FashionMNIST, "mirrors", [address])
        with pytest.raises(InputError, match=r"the download failed: .*timed out"):
            load(source, tmp_path, download=True)
    assert socket.getdefaulttimeout() is None


def test_a_folder_that_cannot_be_made_ends_in_the_same_message(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file where a folder should be")
    with pytest.raises(InputError, match=r"is not there .*, and the download failed: .*; get the data set from"):
        load("cifar10", tmp_path / "data" / "cifar10", download=True)


def test_gzip_of_any_maker_is_accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_fashion_mnist(tmp_path)
    accept_fashion_mnist(monkeypatch, tmp_path)
    before = load("fashion_mnist", tmp_path, download=False)
    for file in tmp_path.iterdir():
        content = file.read_bytes()
        file.write_bytes(gzip.compress(gzip.decompress(content), 1, mtime=1))
        assert file.read_bytes() != content
    assert load("fashion_mnist", tmp_path, download=False).train.images.equal(before.train.images)
