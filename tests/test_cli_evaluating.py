"""`rtig eval surfacing` with the weights that are installed, on labelled turns made up here."""

import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from rtig import cli

PARCEL = ("where is my parcel", "my order has not come", "the package is late", "has my delivery been sent",
          "when does my parcel come", "my parcel never came")  # fmt: skip
BILL = ("pay my bill", "how much do i owe", "my bill is too high", "i want to settle the bill",
        "why is my bill so much", "can i pay the invoice by card")  # fmt: skip
THANKS = ("thanks a lot", "thank you", "many thanks", "cheers for that", "thank you so much", "that is very kind")
KEYS = {"n", "precision", "recall", "f1", "false_per_100_silent", "auc_silent", "accuracy"}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    folder = tmp_path_factory.mktemp("turns")
    train = [{"text": text, "intent": intent, "shop": shop}
             for shop in ("north", "south")
             for intent, texts in (("parcel", PARCEL), ("bill", BILL), ("thanks", THANKS))
             for text in texts]  # fmt: skip
    test = [
        {"text": "my package has not arrived", "intent": "parcel", "shop": "north", "seen_in_train": False},
        {"text": "thank you", "intent": "thanks", "shop": "north", "seen_in_train": True},
        {"text": "is the parcel late", "intent": "parcel", "shop": "south", "seen_in_train": False},
        {"text": "i would like to pay what i owe", "intents": ["bill"], "shop": "south", "seen_in_train": False},
    ]
    for name, rows in (("train", train), ("test", test)):
        (folder / f"{name}.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    return str(folder / "train.jsonl"), str(folder / "test.jsonl")


def run(files: tuple[str, str], *more: str) -> Result:
    train, test = files
    return CliRunner().invoke(cli.app, ["eval", "surfacing", "--train", train, "--test", test, *more])


def test_the_last_line_is_one_object_with_all_figures(files: tuple[str, str]) -> None:
    result = run(files, "--silent", "thanks", "--group", "shop", "--json")
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout.splitlines()[-1])
    assert report.keys() == KEYS | {"us_per_turn", "unseen", "groups"}
    assert report["n"] == 4
    assert report["accuracy"] == 1.0
    assert report["unseen"]["n"] == 3
    assert report["unseen"].keys() == KEYS
    assert {name: figures["n"] for name, figures in report["groups"].items()} == {"north": 2, "south": 2}
    assert "south: 2 turns" in result.stderr


def test_few_examples_and_a_picture(files: tuple[str, str], tmp_path: Path) -> None:
    picture = tmp_path / "curve.svg"
    result = run(files, "--silent", "thanks", "--examples", "4", "--seed", "3", "--out", str(picture))
    assert result.exit_code == 0, result.output
    assert "new texts" in result.stdout
    assert "µs of one core a turn" in result.stdout
    texts = [node.text for node in ElementTree.parse(picture).iter() if node.tag.endswith("text")]
    assert {"recall", "precision", "all turns", "turns whose text is new"} <= set(texts)


def test_a_misspelt_silent_label_is_refused(files: tuple[str, str]) -> None:
    result = run(files, "--silent", "thank")
    assert result.exit_code == 1
    assert "there are bill, parcel, thanks" in result.stderr
    assert run(("nowhere.jsonl", files[1])).exit_code == 1
