"""Files of a public data set: looked for, fetched where that is allowed, checked before anything else reads them."""

import hashlib
import socket
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path

from pdarts.errors import InputError
from pdarts.settings.datasets import Source

SECONDS_WITHOUT_ANSWER = 20


@dataclass(frozen=True)
class PublicFiles:
    """Where the files of one source may lie, and how to come by them."""

    source: Source
    root: Path
    page: str
    """Where people download the data set."""
    places: Mapping[str, tuple[str, ...]]
    """Name of each file and the paths under `root` at which it may lie; the first that exists counts."""
    fetch: Callable[[Path], object]
    """Downloads the data set into a folder, laid out as under `root`."""

    def paths(self, names: Collection[str], download: bool) -> dict[str, Path]:
        """Path of each file in `names`, after a download of all if one is missing and `download` allows it.

        Raises:
            InputError: if a file is missing.
        """
        failure = self._download() if download and self._missing(names) else None
        if missing := self._missing(names):
            also = f" (nor is {', '.join(missing[1:])})" if len(missing) > 1 else ""
            tried = f", and the download failed: {failure}" if failure else ""
            other = "" if failure else ", or set machine.download: true and prepare the data again"
            raise InputError(
                f"{self.source}: {self.root / self.places[missing[0]][0]} is not there{also}{tried}; "
                f"{self._advice()}{other}"
            )
        return {name: next(self._present(name)) for name in names}

    def verify(self, path: Path, content: bytes, algorithm: str, checksum: str) -> None:
        """Refuse `content`, which `path` holds, unless it has this hexadecimal checksum.

        Raises:
            InputError: if it has another.
        """
        found = hashlib.new(algorithm, content, usedforsecurity=False).hexdigest()
        if found != checksum:
            raise self.unusable(
                path, f"{len(content):,} bytes with {algorithm} {found} were found, {algorithm} {checksum} was expected"
            )

    def unusable(self, path: Path, problem: str) -> InputError:
        """The error to raise for a file that is there but cut off or another one."""
        return InputError(
            f"{self.source}: {path} is cut off or another file: {problem}; delete it, then {self._advice()}, "
            "or prepare the data again with machine.download: true"
        )

    def _present(self, name: str) -> Iterator[Path]:
        return (path for place in self.places[name] if (path := self.root / place).is_file())

    def _missing(self, names: Collection[str]) -> list[str]:
        return [name for name in names if not any(self._present(name))]

    def _advice(self) -> str:
        place = next(iter(self.places.values()))[0]
        return (
            f"get the data set from {self.page} and unpack it into {self.root}, "
            f"or set machine.data_roots.{self.source} in config.yaml to the folder that has {place}"
        )

    def _download(self) -> str | None:
        """Fetch into a folder aside and move whole files into place; why that failed, if it did."""
        patience = socket.getdefaulttimeout()
        socket.setdefaulttimeout(SECONDS_WITHOUT_ANSWER)
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix=".download-", dir=self.root) as folder:
                self.fetch(Path(folder))
                for place in (place for places in self.places.values() for place in places):
                    if (file := Path(folder, place)).is_file():
                        (self.root / place).parent.mkdir(parents=True, exist_ok=True)
                        file.replace(self.root / place)
        except (OSError, HTTPException, RuntimeError) as error:  # URLError, timeouts, a full disk; torchvision's own
            return " ".join(str(error).split())
        finally:
            socket.setdefaulttimeout(patience)
        return None
