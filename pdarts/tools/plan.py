"""Estimate the cost of all pending steps of a target: device-hours, memory and disk.

    python -m pdarts.tools.plan --target cifar
    python -m pdarts.tools.plan --target cifar --ledger

Costs are those that finished jobs of the same settings recorded on the same device, or else follow from the iterations
that `pdarts.tools.calibrate` timed; without either they are unknown. The plan needs no GPU, and can be made during a
run. The ledger compares the costs of finished steps with those that the calibration predicts. The plan also says where
images are decoded too slowly for the device.
"""

from pdarts.engine import step
from pdarts.tools.cost import calibration
from pdarts.tools.cost.estimates import costs, device_of
from pdarts.tools.cost.listing import ledger, plan
from pdarts.tools.cost.starvation import starving
from pdarts.tools.workflow import add_config, add_target, config_of, jobs, machine_of, makers


def main() -> None:
    """Entry point."""
    parser = step.parser(__doc__)
    add_target(parser)
    add_config(parser)
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--device", help="name of a device, or part of it (default: the one calibrated last)")
    only.add_argument("--ledger", action="store_true", help="what finished steps took, instead of what is pending")
    arguments = parser.parse_args()
    found = jobs(arguments.target, config_of(arguments))
    made_by = makers(found)
    if arguments.ledger:
        print(ledger(found, made_by, calibration.all_there()))
        return
    machine = machine_of(found)
    calibrated = calibration.named(arguments.device, machine.steps_per_gpu)
    device = device_of(found, calibrated, arguments.device)
    listed = plan(found, made_by, costs(found, made_by, calibrated, device), device)
    print("\n".join([listed, *starving(found, made_by, calibrated, machine.workers)]))


if __name__ == "__main__":
    step.run(main)
