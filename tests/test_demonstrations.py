"""`microgradnn train`: a network learns in front of the user, and what cannot be done is refused before any work."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from microgradnn import demonstrations, nn
from microgradnn.__main__ import main
from microgradnn.extras import install

REFUSED = [
    ([], "train takes one of digits, moons, got none"),
    (["sun"], "train knows digits and moons, got 'sun'"),
    (["digits", "moons"], "train takes one of digits, moons, got digits moons"),
    (["moons", "--epochs", "0"], "--epochs must be a whole number ≥ 1 and below 2³², got 0"),
    (["moons", "--epochs", "ten"], "--epochs must be a whole number ≥ 1 and below 2³², got ten"),
    (["moons", "--epochs"], "--epochs must be a whole number ≥ 1 and below 2³², got none"),
    (["moons", "--seed=-1"], "--seed must be a whole number ≥ 0 and below 2³², got -1"),
    (
        ["moons", "--speed", "3"],
        "unknown option --speed of train; known: --epochs, --seed, --save, --plot, --compiled, --help",
    ),
    (["moons", "--compiled=no"], "--compiled=no must be --compiled alone"),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "message"), REFUSED, ids=str)
def test_bad_arguments_are_one_line_and_status_2(arguments, message, capsys):
    assert main(["train", *arguments]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err == f"microgradnn: {message}\n"


@pytest.mark.parametrize("missing", ["sklearn", "matplotlib"])
def test_what_is_missing_is_named_with_its_command(missing, capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(demonstrations, "find_spec", lambda name: None if name == missing else object())
    assert main(["train", "moons", "--plot", str(tmp_path / "f.png")]) == 2
    package = {"sklearn": "scikit-learn", "matplotlib": "matplotlib"}[missing]
    assert capsys.readouterr().err == f"microgradnn: train needs {package}: {install(package)}\n"


@pytest.mark.parametrize("option", ["--save", "--plot"])
def test_files_that_cannot_be_written_are_refused_before_training(option, capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(demonstrations, "find_spec", lambda name: object())
    ending = {"--save": ".safetensors", "--plot": ".png, .svg, .pdf"}[option]
    assert main(["train", "moons", option, "f.gif"]) == 2
    assert capsys.readouterr().err == f"microgradnn: cannot save 'f.gif': the name must end in {ending}\n"
    path = tmp_path / "nowhere" / f"f{ending.partition(',')[0]}"
    assert main(["train", "moons", option, str(path)]) == 2
    assert f"the directory {path.parent} does not exist" in capsys.readouterr().err


@pytest.mark.sklearn
@pytest.mark.plot
@pytest.mark.parametrize(("name", "options"), [("moons", ["--epochs", "4"]), ("digits", ["--epochs=1", "--seed", "3"])])
def test_training_prints_saves_and_draws(name, options, capsys, tmp_path):
    weights, picture = tmp_path / "model.safetensors", tmp_path / "training.png"
    assert main(["train", name, *options, "--save", str(weights), "--plot", str(picture)]) == 0
    printed = capsys.readouterr()
    lines = printed.out.splitlines()
    shown = demonstrations.DEMONSTRATIONS[name]
    assert shown.what in lines[0]
    assert lines[1].startswith(f"MLP({shown.sizes[0]}, {shown.sizes[1:]}) with {shown.activation}: ")
    assert lines[3].split() == ["epoch", "loss", "held-out", "loss", "accuracy"]
    assert lines[-2:] == [f"saved the weights in {weights}", f"saved the picture in {picture}"]
    assert lines[-3].startswith("accuracy on the held-out data: ")
    assert printed.err == ""  # which is no terminal
    model = nn.MLP(shown.sizes[0], shown.sizes[1:], shown.activation)
    model.load(str(weights))
    assert picture.read_bytes().startswith(b"\x89PNG")


def accuracy_shown(*arguments, capsys):
    """What the last line says, and all lines."""
    assert main(["train", *arguments]) == 0
    lines = capsys.readouterr().out.splitlines()
    words = lines[-1].split()
    return float(words[words.index("%") - 1]), lines


@pytest.mark.one_engine
@pytest.mark.sklearn
@pytest.mark.slow
@pytest.mark.parametrize(("name", "least"), [("digits", 95.0), ("moons", 90.0)])
def test_a_new_user_sees_the_network_learn(name, least, capsys):
    assert accuracy_shown(name, capsys=capsys)[0] >= least


@pytest.mark.sklearn
@pytest.mark.parametrize(("name", "least"), [("digits", 97.0), ("moons", 90.0)])
def test_compiled_it_learns_in_seconds_and_says_so(name, least, capsys):
    started = time.perf_counter()
    found, lines = accuracy_shown(name, "--compiled", capsys=capsys)
    assert found >= least
    assert time.perf_counter() - started < 10
    assert lines[1].endswith(" parameters, compiled")


@pytest.mark.sklearn
def test_compiled_it_shows_the_same_figures(capsys):
    """Two lines tell the accuracy and the network; all other figures are those of training by graphs."""
    (_, compiled), (_, by_graphs) = (
        accuracy_shown("moons", "--epochs", "3", *how, capsys=capsys) for how in (["--compiled"], [])
    )
    assert compiled[1] == by_graphs[1] + ", compiled"
    assert compiled[2:] == by_graphs[2:]


@pytest.mark.sklearn
def test_interrupted_training_still_tells_what_was_learned(capsys, monkeypatch):
    calls = []

    def accuracy(outputs, targets):
        calls.append(outputs)
        if len(calls) == 5:
            raise KeyboardInterrupt
        return demonstrations_accuracy(outputs, targets)

    demonstrations_accuracy = demonstrations.accuracy
    monkeypatch.setattr(demonstrations, "accuracy", accuracy)
    assert main(["train", "moons"]) == 0
    assert "after 2 epochs, interrupted" in capsys.readouterr().out


def test_train_remains_a_name_in_expressions(capsys):
    assert main(["train*2", "train=3"]) == 0
    assert main(["train", "train=3"]) == 0
    assert capsys.readouterr().out.startswith("f = train*2 = 6")
    assert Path("train").exists() is False


@pytest.mark.sklearn
def test_when_nobody_reads_what_was_asked_for_is_done_all_the_same(tmp_path):
    import subprocess
    import sys

    weights = tmp_path / "w.safetensors"
    command = f"{sys.executable} -m microgradnn train moons --epochs 2 --save {weights} | head -1"
    run = subprocess.run(["bash", "-c", f"set -o pipefail; {command}"], capture_output=True, encoding="utf-8")
    assert run.returncode == 0, run.stderr
    assert weights.exists()


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help_of_train(option, capsys):
    assert main(["train", "digits", option]) == 0
    assert "--plot FILE" in capsys.readouterr().out
