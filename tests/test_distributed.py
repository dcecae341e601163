"""The guide's train.py, unchanged, on one device, on eight, and as two processes: the same gradients, one message."""

import os
import re
import socket
import subprocess
import sys

import numpy as np
import pytest

from tests.guides import blocks, guide

pytestmark = [pytest.mark.jax, pytest.mark.sklearn, pytest.mark.slow]

BLOCKS = blocks(guide("microgradnn/compiler/__init__.py"))

CASES = {  # devices of a process, processes
    "one device": (1, 1),
    "eight devices": (8, 1),
    "two processes": (1, 2),
    "two processes of two devices": (2, 2),
}
SPREAD = [name for name, (devices, processes) in CASES.items() if devices * processes > 1]

# Runs train.py to its end, with the arguments given to this program, and then asks what it left behind for the
# gradient at parameters that are the same in all runs, for the last batch of the training. What train.py prints goes
# into a file: the library below JAX writes to the same stream, from threads, so that its lines come in pieces.
QUESTIONS = """
import contextlib, os, runpy, sys
import numpy as np

with open(f"{sys.argv[3] if sys.argv[1:] else 0}.printed", "w") as printed, contextlib.redirect_stdout(printed):
    trained = runpy.run_path("train.py", run_name="__main__")
import jax

parts, step, program = trained["parts"], trained["value_and_grad"], trained["program"]
params = np.random.default_rng(1).normal(0.0, 0.2, len(program.params))
loss, gradient = step(params, *parts)
np.savez(
    f"{jax.process_index()}.npz",
    loss=loss, gradient=gradient, weights=program.params, rows=trained["mine"],
    devices=jax.device_count(), held=sum(shard.data.shape[0] for shard in parts[0].addressable_shards),
    compiled=step.lower(params, *parts).compile().as_text(),
)
if jax.process_count() == 1:  # what the array program says without JAX
    program.params[:] = params
    loss, gradient = program.value_and_grad(trained["X"][trained["batch"]], trained["y"][trained["batch"]])
    np.savez("numpy.npz", loss=loss, gradient=gradient)
"""

TWO_MESSAGES = """
import jax
import numpy as np

devices = jax.make_mesh((8,), ("data",))

@jax.jit
@jax.shard_map(mesh=devices, in_specs=jax.P("data"), out_specs=jax.P())
def step(x):
    return jax.lax.pmean(abs(x - jax.lax.pmean(x, "data")), "data")

x = jax.device_put(np.arange(8.0), jax.sharding.NamedSharding(devices, jax.P("data")))
print(step.lower(x).compile().as_text())
"""


def environment(devices):
    """Only processors, and no proxy between the processes."""
    kept = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    return kept | {"JAX_PLATFORMS": "cpu", "XLA_FLAGS": f"--xla_force_host_platform_device_count={devices}"}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def finished(folder, devices, processes):
    """What train.py printed in each process; all have ended well."""
    address = f"127.0.0.1:{free_port()}"
    running = []
    try:
        for number in range(processes):
            arguments = [address, str(processes), str(number)] if processes > 1 else []
            with (folder / f"{number}.err").open("w") as err:
                command = [sys.executable, "questions.py", *arguments]
                running.append(subprocess.Popen(command, cwd=folder, env=environment(devices), stdout=err, stderr=err))
        for number, process in enumerate(running):
            assert process.wait(timeout=180) == 0, (folder / f"{number}.err").read_text()[-3000:]
    finally:
        for process in running:
            process.kill()  # JAX takes the politer signal as a notice only
            process.wait()
    return [(folder / f"{number}.printed").read_text().splitlines() for number in range(processes)]


@pytest.fixture(scope="module", params=CASES)
def run(request, tmp_path_factory):
    """The name of a case, what its processes printed, what they answered, and their folder; each is run once."""
    return request.param, *answered(request.param, tmp_path_factory)


RUNS = {}


def answered(name, tmp_path_factory):
    if name not in RUNS:
        folder = tmp_path_factory.mktemp("distributed")
        (code,) = (block for block in BLOCKS if "jax.distributed" in block)
        (folder / "train.py").write_text(code, encoding="utf-8")
        (folder / "questions.py").write_text(QUESTIONS, encoding="utf-8")
        printed = finished(folder, *CASES[name])
        RUNS[name] = printed, [dict(np.load(folder / f"{number}.npz")) for number in range(CASES[name][1])], folder
    return RUNS[name]


def messages(compiled):
    return len(re.findall(r" all-reduce(?:-start)?\(", compiled))


def others(compiled):
    kinds = "all-gather|all-to-all|collective-permute|collective-broadcast|reduce-scatter"
    return re.findall(rf" (?:{kinds})[a-z-]*\(", compiled)


def test_it_learns(run):
    _, printed, _, _ = run
    losses = [float(line.split()[-1]) for line in printed[0][:-1]]
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < losses[0] / 2
    assert float(printed[0][-1].split()[-1].removesuffix("%")) >= 95
    assert not any(printed[1:])


def test_it_prints_what_the_guide_says(run):
    """The last digits of a training may differ from machine to machine; the rest may not."""
    name, printed, _, _ = run

    def blanked(text):
        return re.sub(r"\d\.\d+|[\d.]+%", "#", text)

    if name != "two processes of two devices":
        assert blanked("\n".join(printed[0])) + "\n" in blanked("".join(BLOCKS))


def test_every_process_loads_its_share_only(run):
    name, _, answers, _ = run
    devices, processes = CASES[name]
    assert [answer["devices"] for answer in answers] == [devices * processes] * processes
    assert [answer["held"] for answer in answers] == [64 // processes] * processes
    assert len({row for answer in answers for row in answer["rows"].tolist()}) == 64


@pytest.mark.parametrize("what", ["gradient", "loss", "weights"])
def test_it_computes_what_one_device_computes(run, what, tmp_path_factory):
    """One step to 1e-12, by JAX and by the program on NumPy; 440 steps do not magnify the rest."""
    _, _, answers, _ = run
    _, (alone,), folder = answered("one device", tmp_path_factory)
    wanted = [alone, alone if what == "weights" else np.load(folder / "numpy.npz")]
    for answer in answers:
        for one in wanted:
            assert answer[what] == pytest.approx(one[what], rel=0, abs=1e-12)
    assert np.abs(alone["gradient"]).max() > 0.1


def test_it_sends_one_message_a_step(run):
    name, _, answers, _ = run
    for answer in answers:
        assert others(str(answer["compiled"])) == []
        if name in SPREAD:
            assert messages(str(answer["compiled"])) == 1


def test_two_messages_are_counted_as_two():
    command = [sys.executable, "-c", TWO_MESSAGES]
    done = subprocess.run(command, env=environment(8), capture_output=True, encoding="utf-8", timeout=180, check=True)
    assert messages(done.stdout) == 2


def test_process_0_saves_weights_that_load(run):
    from microgradnn import nn

    _, _, answers, folder = run
    model = nn.MLP(64, [32, 10], activation="tanh")
    model.load(folder / "digits.safetensors")
    assert [weight.data for weight in model.parameters()] == answers[0]["weights"].tolist()
