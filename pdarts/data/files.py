"""Finds the files of a public data set, downloads missing ones where that is allowed, and verifies checksums."""

import hashlib
import socket
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from http.client import HTTPException
from itertools import chain
from pathlib import Path

from pdarts.errors import InputError

SECONDS_WITHOUT_ANSWER = 20


@dataclass(frozen=True)
class PublicFiles:
    """The files of one source: where each may lie, and how to get them."""

    source: str
    root: Path
    page: str
    """Web page that offers the data set, for messages."""
    locations: Mapping[str, tuple[str, ...]]
    """Paths below `root` at which each file may lie, by its name; the first that exists is taken."""
    fetch: Callable[[Path], object]
    """Downloads the data set into a folder, laid out as below `root`."""

    def paths(self, names: Collection[str], download: bool) -> dict[str, Path]:
        """Find the path of each file in `names`; if one is missing and `download` allows it, download all first.

        Raises:
            InputError: if a file is missing.
        """
        failure = self._download() if download and self._missing(names) else None
        if missing := self._missing(names):
            also = f" (nor is {', '.join(missing[1:])})" if len(missing) > 1 else ""
            tried = f", and the download failed: {failure}" if failure else ""
            other = "" if failure else ", or set machine.download: true and prepare the data again"
            raise InputError(
                f"{self.source}: {self.root / self.locations[missing[0]][0]} is not there{also}{tried}; "
                f"{self._advice()}{other}"
            )
        return {name: next(self._present(name)) for name in names}

    def verify(self, path: Path, content: bytes, algorithm: str, checksum: str) -> None:
        """Refuse `content`, which `path` holds, unless it has this hexadecimal checksum.

        Raises:
            InputError: if its checksum differs.
        """
        found = hashlib.new(algorithm, content, usedforsecurity=False).hexdigest()
        if found != checksum:
            raise self.unusable(
                path, f"{len(content):,} bytes with {algorithm} {found} were found, {algorithm} {checksum} was expected"
            )

    def unusable(self, path: Path, problem: str) -> InputError:
        """Make the error to raise for a file that exists but is cut off or another one."""
        return InputError(
            f"{self.source}: {path} is cut off or another file: {problem}; delete it, then {self._advice()}, "
            "or prepare the data again with machine.download: true"
        )

    def _present(self, name: str) -> Iterator[Path]:
        return (path for location in self.locations[name] if (path := self.root / location).is_file())

    def _missing(self, names: Collection[str]) -> list[str]:
        return [name for name in names if not any(self._present(name))]

    def _advice(self) -> str:
        first = next(iter(self.locations.values()))[0]
        return (
            f"get the data set from {self.page} and unpack it into {self.root}, "
            f"or set machine.data_roots.{self.source} in config.yaml to the folder that has {first}"
        )

    def _download(self) -> str | None:
        """Download into a temporary folder and move whole files below `root`; returns why that failed, if it did."""
        patience = socket.getdefaulttimeout()
        socket.setdefaulttimeout(SECONDS_WITHOUT_ANSWER)
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix=".download-", dir=self.root) as folder:
                self.fetch(Path(folder))
                for location in chain(*self.locations.values()):
                    if (file := Path(folder, location)).is_file():
                        (self.root / location).parent.mkdir(parents=True, exist_ok=True)
                        file.replace(self.root / location)
        except (OSError, HTTPException, RuntimeError) as error:  # URLError, timeouts, a full disk; torchvision's own
            return " ".join(str(error).split())
        finally:
            socket.setdefaulttimeout(patience)
        return None
