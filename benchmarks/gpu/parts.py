"""All parts of a check, the most important ones first."""

from functools import partial

from benchmarks.gpu import bits, costs, device, right, speed
from benchmarks.gpu.check import Part

DETERMINISTIC = "under torch.use_deterministic_algorithms(True)"
TURNS = (
    "Medians of n turns, in each of which all ways compute once; ratios are medians of all turns, with the smallest "
    "and the largest. An epoch is its iterations times the last time of the line."
)

PARTS = (
    Part("Machine", "Card and versions.", device.machine, 60),
    Part(
        "Recorded numbers",
        "Cases that the papers' implementations recorded, computed in float64 on the device, to 1e-9.",
        right.recorded,
        150,
        decides=True,
    ),
    Part(
        "Repeated bits, float32",
        f"Small searches of three stages {DETERMINISTIC}.",
        partial(bits.repeated, "float32"),
        150,
        decides=True,
    ),
    Part(
        "Resume",
        f"A search step that is told to end by SIGTERM and continues, beside one in peace, {DETERMINISTIC}.",
        bits.resumed,
        150,
        decides=True,
    ),
    Part(
        "Precision",
        f"Errors relative to float64, the smallest of {right.DRAWS[False]} draws each. Kernels of our own are right if "
        f"they are at most {right.FACTOR:g} times as far from float64 as PyTorch.",
        right.precision,
        120,
        decides=True,
    ),
    Part("P-DARTS, float32", TURNS, partial(speed.p_darts, "float32"), 200),
    Part("P-DARTS, bfloat16", f"{TURNS} Both formulations in bfloat16.", partial(speed.p_darts, "bfloat16"), 200),
    Part("Trainings and tests, float32", TURNS, partial(speed.trainings, "float32"), 120),
    Part("Trainings and tests, bfloat16", TURNS, partial(speed.trainings, "bfloat16"), 120),
    Part("Memory", "Peak of what an iteration holds of the card, each way alone on it.", costs.memory, 120),
    Part("Other methods", f"{TURNS} Methods that the textbook lacks are compared with eager.", speed.methods, 200),
    Part("Input", "Images that the input yields, and images that a training takes.", costs.images, 90),
    Part("Start", "New processes at the paper's sizes, imports included.", costs.starts, 150),
    Part(
        "Repeated bits, bfloat16",
        f"Small searches of three stages {DETERMINISTIC}.",
        partial(bits.repeated, "bfloat16"),
        150,
        decides=True,
    ),
)
