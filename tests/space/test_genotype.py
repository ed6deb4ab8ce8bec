"""Genotypes are read strictly."""

from typing import Any

import pytest

from pdarts.errors import InputError
from pdarts.space.genotype import Genotype
from tests.genotypes import FOLDER, published


def test_every_published_cell_reads_and_writes_back() -> None:
    names = sorted(path.stem for path in FOLDER.glob("*.json"))
    assert names == ["AmoebaNet", "DARTS_V1", "DARTS_V2", "NASNet", "PDARTS"]
    for name in names:
        genotype = published(name)
        plain = {
            key: [list(item) if isinstance(item, tuple) else item for item in value]
            for key, value in genotype.to_json().items()
        }
        assert Genotype.parse(plain, name) == genotype


def broken(**changes: Any) -> Any:
    plain = published("PDARTS").to_json()
    return {
        key: [list(item) if isinstance(item, tuple) else item for item in value] for key, value in plain.items()
    } | changes


PAIRS = [["skip_connect", 0], ["sep_conv_3x3", 1]]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([], "has the keys normal, normal_concat, reduce, reduce_concat; found list"),
        ({"normal": []}, "found \\['normal'\\]"),
        (broken(normal=[*PAIRS, ["sep_conv_9x9", 0], ["skip_connect", 1]]), "unknown operation 'sep_conv_9x9'"),
        (broken(normal=[["none", 0], ["skip_connect", 1]]), "unknown operation 'none'"),
        (broken(reduce=[*PAIRS, ["skip_connect", 3], ["skip_connect", 1]]), "source 3 does not come before node 3"),
        (broken(reduce=[*PAIRS, ["skip_connect", -1], ["skip_connect", 1]]), "allowed: 0 to 2"),
        (broken(reduce=[*PAIRS, ["skip_connect", True], ["skip_connect", 1]]), "source True"),
        (broken(normal=PAIRS * 2 + [["skip_connect", 0]]), "has 5 entries; allowed: two"),
        (broken(normal=[["skip_connect"], ["skip_connect", 1]]), "\\[0\\] is \\['skip_connect'\\]"),
        (broken(normal_concat=[2, 6]), "normal_concat is \\[2, 6\\]; allowed: a list of intermediate nodes, 2 to 5"),
        (broken(normal_concat=[]), "normal_concat is \\[\\]"),
        (broken(reduce_concat=[3, 2]), "in rising order"),
    ],
)
def test_what_is_no_genotype_is_refused_by_name(value: Any, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        Genotype.parse(value, "mine.json")
    assert str(caught.value).startswith("mine.json")
