"""Measured costs of single iterations on one device, as a file in `results/calibration/`."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pdarts import paths
from pdarts.checking import suggestion
from pdarts.engine.files import read_json, write_json
from pdarts.errors import InputError
from pdarts.tools.cost.work import Work


@dataclass(frozen=True)
class Calibration:
    """All that was measured on one device."""

    device: str
    """Name of the device, as `hardware` gives it."""
    measured: str
    """Time of the last addition, in ISO format."""
    units: Mapping[str, Mapping[str, Any]]
    """Measurements by `Work.key`: `timings`, `memory`, `weights_bytes`, `provenance`."""
    steps: int = 1
    """Steps that shared the device while it was measured; their iterations took longer than those of one alone."""

    @property
    def on_gpu(self) -> bool:
        """Whether the device is known to be a GPU."""
        return any(unit.get("provenance", {}).get("device_type") == "cuda" for unit in self.units.values())

    def seconds(self, work: Work, counts: Mapping[str, float]) -> float | None:
        """Expect the seconds of so many iterations, the first one slow; None if one of their kinds was not measured.

        Images are decoded while the device computes, so the slower of the two decides.
        """
        timings = self.units.get(work.key, {}).get("timings", {})
        kinds = [kind for kind, count in counts.items() if count]
        decoded = {kind: "evaluation_decoding" if kind == "evaluation" else "decoding" for kind in kinds}
        beside = {kind: name for kind, name in decoded.items() if name in work.decoding}
        if any(timings.get(kind, {}).get("median") is None for kind in (*kinds, *beside.values())):
            return None
        start = max((timings[kind]["first"] - timings[kind]["median"] for kind in kinds), default=0.0)
        medians = {kind: timings[kind]["median"] for kind in kinds}
        medians |= {kind: max(medians[kind], timings[name]["median"]) for kind, name in beside.items()}
        return max(start, 0.0) + sum(counts[kind] * medians[kind] for kind in kinds)

    def memory(self, work: Work, kinds: Iterable[str]) -> int | None:
        """Expect the peak, in bytes, of a process with iterations of these kinds; None if one was not measured."""
        timings = self.units.get(work.key, {}).get("timings", {})
        peaks = [timings.get(kind, {}).get("memory") for kind in kinds]
        return None if not peaks or None in peaks else max(peaks)

    def weights_bytes(self, work: Work) -> int | None:
        """Size of the trained network's weights; None if it was not built."""
        return self.units.get(work.key, {}).get("weights_bytes")


def hardware(provenance: Mapping[str, Any]) -> str:
    """Name the device in a provenance, with what decides how fast it is: threads of a CPU, steps that share a GPU."""
    if provenance["device_type"] == "cpu":
        threads = provenance["threads"]
        return f"{provenance['device']}, {threads} thread{'s' * (threads > 1)}"
    steps = steps_of(provenance)
    return f"{provenance['device']}, {steps} steps at once" if steps > 1 else str(provenance["device"])


def steps_of(provenance: Mapping[str, Any]) -> int:
    """Return the number of steps that shared the device; earlier versions did not note it, since it was one."""
    return int(provenance.get("steps_per_gpu", 1))


def path_of(device: str) -> Path:
    """Return the path of a device's calibration."""
    return Path(paths.CALIBRATION.format(device=re.sub(r"[^A-Za-z0-9.]+", "-", device).strip("-")))


def read(path: Path) -> Calibration:
    """Read a calibration.

    Raises:
        InputError: if it is missing or not a calibration.
    """
    value = read_json(path, "calibration", "pdarts.tools.calibrate")
    try:
        units = {unit["key"]: unit for unit in value["units"]}
        return Calibration(value["device"], value["measured"], units, value.get("steps_per_gpu", 1))
    except (KeyError, TypeError) as error:
        raise InputError(f"{path}: not a calibration of pdarts.tools.calibrate; delete it and make it anew") from error


def write(calibration: Calibration) -> Path:
    """Store a calibration, whole or not at all."""
    path = path_of(calibration.device)
    value = {
        "device": calibration.device,
        "measured": calibration.measured,
        "steps_per_gpu": calibration.steps,
        "units": [{"key": key, **unit} for key, unit in calibration.units.items()],
    }
    write_json(path, value)
    return path


def all_there() -> list[Calibration]:
    """List all calibrations here, the newest first."""
    return sorted(
        map(read, path_of("").parent.glob("*.json")), key=lambda calibration: calibration.measured, reverse=True
    )


def named(name: str | None, steps: int = 1) -> Calibration | None:
    """Find the calibration of a device by its name, or part of it; without a name the newest that fits, if any.

    Args:
        name: the name, or part of it.
        steps: number of steps that will share a GPU. Measurements of a GPU that others shared do not fit.

    Raises:
        InputError: if more than one has that name.
    """
    present = all_there()
    if name is None:
        return next((one for one in present if one.steps == steps or not one.on_gpu), None)
    exact = [one for one in present if one.device == name]
    fitting = exact or [one for one in present if name.lower() in one.device.lower()]
    if len(fitting) > 1:
        devices = [one.device for one in present]
        raise InputError(f"--device: {name!r} stands for several calibrations{suggestion(name, devices)}")
    return fitting[0] if fitting else None
