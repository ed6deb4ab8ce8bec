"""Know the cost before you submit: all pending steps of a target, with device-hours, memory and disk.

    python -m pdarts.tools.plan --target cifar
    python -m pdarts.tools.plan --target cifar --ledger

Figures are those that finished jobs of the same settings recorded on the same device, else what single steps took in
`pdarts.tools.calibrate`; steps without either are unknown. It needs no GPU, and works while a run is under way. The
ledger shows what finished steps took, beside what the calibration makes expect.
"""

from pdarts.engine import step
from pdarts.tools.cost import calibration
from pdarts.tools.cost.estimates import costs, device_of
from pdarts.tools.cost.listing import ledger, plan
from pdarts.tools.workflow import add_config, add_target, config_of, jobs, makers


def main() -> None:
    """Entry point."""
    parser = step.parser(__doc__)
    add_target(parser)
    add_config(parser)
    parser.add_argument("--device", help="name of a device, or part of it (default: the one calibrated last)")
    parser.add_argument("--ledger", action="store_true", help="what finished steps took, instead of what is pending")
    arguments = parser.parse_args()
    found = jobs(arguments.target, config_of(arguments))
    made_by = makers(found)
    if arguments.ledger:
        print(ledger(found, made_by, calibration.all_there()))
        return
    calibrated = calibration.named(arguments.device)
    device = device_of(found, calibrated, arguments.device)
    print(plan(found, made_by, costs(found, made_by, calibrated, device), device))


if __name__ == "__main__":
    step.run(main)
