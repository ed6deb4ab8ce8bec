"""Weights & Biases: each step that computes is a run.

Runs mirror the files on disk. If anything goes wrong here, a message says so and the step goes on.
"""

import os
import secrets
import struct
import sys
import tempfile
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, get_args

from pdarts.engine import distributed
from pdarts.settings.machine import Mode, Wandb

PATIENCE = 10
"""Seconds to wait for W&B at the start of a run, and again at its end."""

MODES: tuple[Mode, ...] = get_args(Mode)
"""Modes of W&B, the quietest first."""

BLOCK = 32_768
"""Bytes of a block of a run file; no header of a piece crosses the border between two blocks."""
HEADER = struct.Struct("<4xHB")
"""Header of a piece: checksum, length and kind, a whole record (1) or its first (2), middle (3) or last part (4)."""


class Tracker:
    """A run of W&B in process 0; it does nothing in other processes, and where W&B is disabled or fails.

    Args:
        settings: mode, project and folder of runs.
        step: job type, such as `search`.
        experiment: group, the name of the search or training.
        name: name of the run.
        config: settings to show.
        rehearsal: whether to tag the run as a rehearsal.
    """

    def __init__(
        self,
        settings: Wandb,
        step: str,
        experiment: str,
        name: str,
        config: Mapping[str, Any],
        rehearsal: bool = False,
    ) -> None:
        self.settings, self.step, self.experiment, self.name = settings, step, experiment, name
        self.config = {**config, "rehearsal": True} if rehearsal else dict(config)
        self.tags = ["rehearsal"] if rehearsal else None
        self.mode = _quietest(settings.mode)
        self.logged = 0
        """Last epoch that earlier processes logged."""
        self._run: Any = None

    def start(self, run_id: str) -> None:
        """Begin the run, or continue it after the last epoch that this disk or, online, the server has of it.

        Args:
            run_id: by `new_id`; a process that continues another has the id of that.
        """
        if self.mode == "disabled" or distributed.rank() > 0:
            return
        os.environ.pop("WANDB_SERVICE", None)  # of who started this process: it may write elsewhere, or end before us
        os.environ.setdefault("WANDB_SILENT", "true")
        os.environ.setdefault("WANDB_ERROR_REPORTING", "false")  # where nobody answers it delays the end of the process
        try:
            Path(self.settings.directory).mkdir(parents=True, exist_ok=True)
            files = Path(self.settings.directory, "wandb").glob(f"*run-*-{run_id}/run-{run_id}.wandb")
            self.logged = max((step for file in files for step in steps_of(file)), default=0)
            self._begin(run_id)
        except Exception as error:  # noqa: BLE001 - a mirror that breaks must not take the work down
            self._give_up(error)

    def _begin(self, run_id: str) -> None:
        import wandb

        if self.mode == "online":
            try:
                _answers(wandb.setup().settings.base_url)
                self._run = self._init(run_id, "online")
                self.logged = max(self.logged, self._run.step - 1)
            except (OSError, wandb.Error) as error:
                print(f"W&B cannot be reached ({error}); this step's run stays here: make wandb-sync", file=sys.stderr)
                wandb.teardown()  # its process may still hold the run's id
        if self._run is None:
            self._run = self._init(run_id, "offline")

    def _init(self, run_id: str, mode: Literal["online", "offline"]) -> Any:
        import wandb

        settings = wandb.Settings(
            console="off", disable_git=True, x_disable_stats=True, init_timeout=PATIENCE, finish_timeout=PATIENCE
        )
        return wandb.init(
            project=self.settings.project,
            entity=self.settings.entity,
            mode=mode,
            dir=self.settings.directory,
            group=self.experiment,
            job_type=self.step,
            tags=self.tags,
            name=self.name,
            id=run_id,
            resume="allow" if mode == "online" else None,
            config=self.config,
            settings=settings,
        )

    def log(self, metrics: Mapping[str, float | None], epoch: int) -> None:
        """Add metrics of an epoch, which counts from 1, unless the run has them; values that are None are left out."""
        if epoch > self.logged:
            present = {key: value for key, value in metrics.items() if value is not None}
            self._attempt(lambda run: run.log(present, step=epoch))

    def image(self, key: str, save: Callable[[Path], object]) -> None:
        """Add a picture, which `save` writes as PNG to the path that it is given, if there is a run."""

        def send(run: Any) -> None:
            import wandb

            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / f"{key}.png"
                save(path)
                run.log({key: wandb.Image(str(path))})

        self._attempt(send)

    def summary(self, values: Mapping[str, Any]) -> None:
        """Set final values."""
        self._attempt(lambda run: run.summary.update(dict(values)))

    def finish(self, code: int = 0) -> None:
        """End the run with the exit code of the process."""
        self._attempt(lambda run: run.finish(code))

    def _attempt(self, action: Any) -> None:
        if self._run is None:
            return
        watch = threading.Timer(2 * PATIENCE, _end_service)
        watch.daemon = True
        watch.start()
        try:
            action(self._run)
        except Exception as error:  # noqa: BLE001
            self._give_up(error)
        finally:
            watch.cancel()

    def _give_up(self, error: Exception) -> None:
        self._run = None
        message = (
            f"W&B is off for the rest of this step ({type(error).__name__}: {error}); the files on disk are complete"
        )
        print(message, file=sys.stderr)


def _quietest(mode: Mode) -> Mode:
    """Find the mode of a run: `mode`, or that of the environment if it writes or sends less."""
    wish = os.environ.get("WANDB_MODE", mode).replace("dryrun", "offline")
    if os.environ.get("WANDB_DISABLED", "").lower() in ("true", "1"):
        wish = "disabled"
    quieter = next((known for known in MODES if known in (wish, mode)), mode)
    if quieter != mode and distributed.rank() == 0:
        print(f"W&B is {quieter}, since WANDB_MODE or WANDB_DISABLED in the environment says so", file=sys.stderr)
    return quieter


def _end_service() -> None:
    """Kill W&B's own process, which hangs, so that nobody waits for it any more; wandb has no call for that."""
    import wandb

    wandb.setup()._connection._proc._process.kill()  # type: ignore[union-attr]


def new_id() -> str:
    """A new id of a run."""
    return secrets.token_hex(8)


def _answers(url: str) -> None:
    """Raises: OSError if no server answers at `url`, before wandb's own patience ends; any answer counts."""
    try:
        urllib.request.urlopen(url, timeout=PATIENCE).close()
    except urllib.error.HTTPError as answer:
        answer.close()


def steps_of(file: Path) -> Iterator[int]:
    """Yield the steps, in the sense of W&B, that a run file holds, as far as it is whole."""
    from wandb.proto import wandb_internal_pb2

    for content in _records(file.read_bytes()):
        record = wandb_internal_pb2.Record.FromString(content)  # type: ignore[attr-defined]
        if record.HasField("history"):
            yield record.history.step.num


def _records(content: bytes) -> Iterator[bytes]:
    """Yield the records of a run file, which is a log of LevelDB's format after 7 bytes; it may be cut off."""
    offset, record = 7, b""
    while offset + HEADER.size <= len(content):
        if BLOCK - offset % BLOCK < HEADER.size:
            offset += BLOCK - offset % BLOCK
            continue
        length, part = HEADER.unpack_from(content, offset)
        offset += HEADER.size
        if part == 0 or offset + length > len(content):
            return
        record = content[offset : offset + length] if part in (1, 2) else record + content[offset : offset + length]
        offset += length
        if part in (1, 4):
            yield record
