"""Weights come back from files to the bit, also by way of PyTorch; a bad file or a crash changes nothing."""

import io
import json
import os
import pickle
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, strategies as st
from safetensors.numpy import load_file, save as to_bytes, save_file

from microgradnn import Value, files, nn, saving

ARRAYS = {"0.weight": (3, 2), "0.bias": (3,), "2.weight": (1, 3), "2.bias": (1,)}


def small(rng=0):
    return nn.MLP(2, [3, 1], activation="tanh", rng=rng)


def rich(rng=0):
    """One of everything that has a state."""
    return nn.Sequential(
        nn.Layer(2, 3, activation="linear", rng=rng), nn.BatchNorm(3), nn.PReLU(0.1 + rng), nn.Dropout(0.5, rng=rng),
        nn.Maxout(3, 4, pieces=2, rng=rng), nn.Sequential(nn.Layer(4, 2, rng=rng)), nn.Neuron(2, rng=rng),
    )  # fmt: skip


def moved(model):
    """A model whose running statistics are not those of the start, and whose numbers are not round."""
    model([[0.1, 0.2], [0.3, -0.7], [1 / 3, 1e-5]])
    for place, parameter in enumerate(model.parameters()):
        parameter.data += 0.1 * place / 7
    return model


class Other(nn.Module):
    """A module of a user: a single Value, a list, and a module in a list."""

    def __init__(self, scale):
        self.scale = Value(scale)
        self.table = [[Value(scale * 1e-300), Value(-0.0)], [Value(5e-324), Value(1.7e308)]]
        self.parts = [nn.Layer(2, 2, rng=int(scale))]


def bits(model):
    return {name: (array.shape, array.dtype, array.tobytes()) for name, array in model.state_dict().items()}


def arrays(**changes):
    return {name: np.full(shape, 0.5) for name, shape in ARRAYS.items()} | changes


def header(entries, data=b""):
    """A file by hand, with whatever header."""
    text = entries if isinstance(entries, bytes) else json.dumps(entries).encode()
    return struct.pack("<Q", len(text)) + text + data


# ---- round trips ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(lambda: moved(rich(0)), lambda: rich(1), id="everything"),
        pytest.param(lambda: small(0), lambda: small(1), id="MLP"),
        pytest.param(lambda: Other(3.0), lambda: Other(4.0), id="of a user"),
        pytest.param(lambda: nn.Activation("tanh"), lambda: nn.Activation("tanh"), id="nothing to save"),
    ],
)
def test_the_state_comes_back_to_the_bit(one, other, tmp_path):
    model, found = one(), other()
    path = tmp_path / "weights.safetensors"
    before, leaves = bits(model), found.parameters()
    assert bits(found) != before or not before
    model.save(path)
    assert bits(model) == before
    found.load(path)
    assert bits(found) == before
    assert all(a is b for a, b in zip(found.parameters(), leaves, strict=True))  # optimisers still hold them
    assert list(tmp_path.iterdir()) == [path]


def test_running_statistics_are_as_usable_as_before(tmp_path):
    model, found = moved(rich(0)), rich(1)
    model.save(tmp_path / "weights.safetensors")
    found.load(tmp_path / "weights.safetensors")
    norm = found.layers[1]
    assert isinstance(norm.running_mean, list)
    assert norm.num_batches_tracked == 1
    assert [y.data for y in found.eval()([[1.0, 2.0]])] == [y.data for y in model.eval()([[1.0, 2.0]])]
    found.train()([[1.0, 2.0], [2.0, 3.0]])
    assert norm.num_batches_tracked == 2


def test_the_functions_do_what_the_methods_do_with_any_kind_of_path(tmp_path):
    path = str(tmp_path / "weights.SafeTensors")
    saving.save(small(0), path)
    model = small(1)
    saving.load(model, Path(path))
    assert bits(model) == bits(small(0))


def test_the_same_model_gives_the_same_file(tmp_path):
    for name in ("a.safetensors", "b.safetensors"):
        moved(rich(0)).save(tmp_path / name)
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()


@pytest.mark.parametrize("name", ["two words.safetensors", "вес–重み.safetensors", "a.b'\"c.safetensors"])
def test_any_name_will_do(name, tmp_path):
    small(0).save(tmp_path / name)
    model = small(1)
    model.load(tmp_path / name)
    assert bits(model) == bits(small(0))


def test_saving_leaves_gradients_and_mode_alone(tmp_path):
    model = rich().eval()
    model([1.0, 2.0]).backward()
    before = [(parameter.grad, parameter.swept) for parameter in model.parameters()]
    model.save(tmp_path / "weights.safetensors")
    model.load(tmp_path / "weights.safetensors")
    assert [(parameter.grad, parameter.swept) for parameter in model.parameters()] == before
    assert not any(module.training for module in model.modules())


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_narrower_floats_are_widened(dtype, tmp_path):
    numbers = {name: np.linspace(-1, 1, int(np.prod(shape)), dtype=dtype).reshape(shape)
               for name, shape in ARRAYS.items()}  # fmt: skip
    save_file(numbers, tmp_path / "weights.safetensors")
    model = small()
    model.load(tmp_path / "weights.safetensors")
    assert {name: array.tolist() for name, array in model.state_dict().items()} == {
        name: array.tolist() for name, array in numbers.items()
    }


def test_without_strict_what_is_missing_stays_and_what_is_unknown_is_passed_over(tmp_path):
    path = tmp_path / "weights.safetensors"
    save_file({"0.bias": np.ones(3), "9.weight": np.zeros((4, 4)), "9.count": np.array([1], "uint8")}, path)
    model = small()
    with pytest.raises(ValueError, match=r"missing 0.weight, 2.weight, 2.bias, unknown 9"):
        model.load(path)
    model.load(path, strict=False)
    assert bits(model) == bits(small()) | {"0.bias": ((3,), np.dtype(float), np.ones(3).tobytes())}


# ---- PyTorch ----------------------------------------------------------------------------------------------------

X = [[0.5, -1.0], [2.0, 0.3], [-0.7, -0.2], [1e-3, 4.0]]
NETWORKS = [  # ours, what torch calls its parts
    pytest.param(
        lambda: nn.Sequential(nn.Layer(2, 4, activation="linear", rng=1), nn.Activation("relu"),
                              nn.Layer(4, 3, activation="linear", rng=2), nn.Activation("tanh"),
                              nn.Layer(3, 2, activation="linear", rng=3)),
        "Linear(2, 4) ReLU() Linear(4, 3) Tanh() Linear(3, 2)", id="relu, tanh"),
    pytest.param(
        lambda: nn.MLP(2, [5, 4, 2], activation="tanh", rng=1),
        "Linear(2, 5) Tanh() Linear(5, 4) Tanh() Linear(4, 2)", id="MLP"),
    pytest.param(
        lambda: nn.Sequential(nn.Layer(2, 4, activation="linear", rng=1), nn.BatchNorm(4), nn.PReLU(),
                              nn.Layer(4, 2, activation="linear", rng=3)),
        "Linear(2, 4) BatchNorm1d(4) PReLU() Linear(4, 2)", id="batch norm, PReLU"),
]  # fmt: skip


def of_torch(parts):
    """The same in PyTorch, with numbers of its own."""
    import torch

    torch.manual_seed(0)
    modules = [eval(f"torch.nn.{part}", {"torch": torch}) for part in parts.replace(") ", ");").split(";")]
    return torch.nn.Sequential(*modules).double()


def assert_equal_outputs(ours, theirs):
    import torch

    for model in (ours, theirs):
        model.eval()
    wanted = theirs(torch.tensor(X, dtype=torch.float64)).tolist()
    found = [[y.data for y in row] for row in ours(X)]
    assert np.allclose(found, wanted, rtol=1e-12, atol=1e-12)


@pytest.mark.torch
@pytest.mark.parametrize(("make", "parts"), NETWORKS)
def test_torch_reads_what_is_saved_here(make, parts, tmp_path):
    from safetensors.torch import load_file as to_torch

    ours, theirs = moved(make()), of_torch(parts)
    ours.save(tmp_path / "weights.safetensors")
    theirs.load_state_dict(to_torch(tmp_path / "weights.safetensors"), strict=True)
    assert_equal_outputs(ours, theirs)


@pytest.mark.torch
@pytest.mark.parametrize(("make", "parts"), NETWORKS)
@pytest.mark.parametrize("dtype", ["float64", "float32", "float16"])
def test_what_torch_saves_is_read_here(make, parts, dtype, tmp_path):
    import torch
    from safetensors.torch import save_model

    ours, theirs = make(), of_torch(parts)
    theirs(torch.tensor(X, dtype=torch.float64))  # batch norm takes note
    save_model(theirs.to(getattr(torch, dtype)), tmp_path / "weights.safetensors")
    ours.load(tmp_path / "weights.safetensors")
    assert_equal_outputs(ours, theirs.double())


@pytest.mark.torch
def test_torch_in_bfloat16_and_its_own_files_are_refused(tmp_path):
    import torch
    from safetensors.torch import save_file as from_torch

    path = tmp_path / "weights.safetensors"
    model, theirs = small(), of_torch("Linear(2, 3) Tanh() Linear(3, 1)")
    from_torch(theirs.bfloat16().state_dict(), path)
    with pytest.raises(ValueError, match="must be of type F64 or F32 or F16, it is BF16: convert it first"):
        model.load(path)
    torch.save(theirs.state_dict(), path)
    with pytest.raises(ValueError, match=r"no .safetensors file"):
        model.load(path)
    assert bits(model) == bits(small())


# ---- files that are refused -------------------------------------------------------------------------------------

GOOD = to_bytes(arrays())
ONE = {"dtype": "F64", "shape": [1], "data_offsets": [0, 8]}
BAD = [  # what is in the file, what the message says
    ("empty", b"", "damaged"),
    ("seven bytes", GOOD[:7], "damaged"),
    ("cut in the header", GOOD[:60], "damaged"),
    ("cut in the data", GOOD[:-1], "damaged"),
    ("a byte too many", GOOD + b"\0", "damaged"),
    ("noise", np.random.default_rng(0).bytes(500), "damaged"),
    ("zeros", bytes(500), "damaged"),
    ("JSON", b'{"0.weight": [[1.0, 2.0]], "0.bias": [0.0]}', "damaged"),
    ("pickle", pickle.dumps(arrays()), "damaged"),
    ("zip, as torch.save and numpy.savez write", b"PK\x03\x04" + bytes(100), "damaged"),
    ("header of 2⁶³ bytes", struct.pack("<Q", 2**63) + GOOD[8:], "damaged"),
    ("header of 1 TB", struct.pack("<Q", 2**40) + GOOD[8:], "damaged"),
    ("header is no JSON", header(b"\xff\xfe{}"), "damaged"),
    ("header is a list", header([]), "damaged"),
    ("header nested without end", header(b'{"a":' * 10_000), "damaged"),
    ("offsets beyond the file", header({"a": ONE | {"data_offsets": [0, 2**62]}}, bytes(8)), "damaged"),
    ("offsets before the file", header({"a": ONE | {"data_offsets": [-8, 0]}}, bytes(8)), "damaged"),
    ("a shape beyond memory", header({"a": ONE | {"shape": [2**62, 2**62]}}, bytes(8)), "damaged"),
    ("an unknown type", header({"a": ONE | {"dtype": "F65"}}, bytes(8)), "damaged"),
    ("no tensors", header({}), "missing 0.weight, 0.bias, 2.weight and 1 more, unknown none"),
    ("a name too few", to_bytes({"0.weight": np.ones((3, 2))}), "missing 0.bias, 2.weight, 2.bias"),
    ("a name too many", to_bytes(arrays(more=np.ones(1))), "unknown more"),
    ("transposed", to_bytes(arrays(**{"0.weight": np.ones((2, 3))})), r"0.weight must have the shape \(3, 2\), got"),
    ("flat", to_bytes(arrays(**{"0.weight": np.ones(6)})), r"0.weight must have the shape \(3, 2\), got \(6,\)"),
    ("an array of nothing", to_bytes(arrays(**{"0.bias": np.ones((0, 3))})), r"0.bias must have the shape \(3,\)"),
    ("100 dimensions", header({"0.bias": ONE | {"shape": [1] * 100}}, bytes(8)), "0.bias must have the shape"),
    ("0 × 2⁶²", header({"0.bias": ONE | {"shape": [0, 2**62], "data_offsets": [0, 0]}}), "0.bias must have the shape"),
    ("ints", to_bytes(arrays(**{"0.bias": np.ones(3, int)})), "0.bias must be of type F64 or F32 or F16, it is I64"),
    ("bools", to_bytes(arrays(**{"0.bias": np.ones(3, bool)})), "0.bias must be of type .*, it is BOOL"),
    ("complex", header({"0.bias": ONE | {"dtype": "C64"}}, bytes(8)), "it is C64|damaged"),  # safetensors 0.7 knows it
    ("bfloat16", header({"0.bias": ONE | {"dtype": "BF16", "shape": [4]}}, bytes(8)), "it is BF16: convert it first"),
    ("nan at the very end", to_bytes(arrays(**{"2.weight": np.array([[1, 2, np.nan]])})), "2.weight must hold finite"),
    ("inf", to_bytes(arrays(**{"2.bias": np.array([np.inf], "float16")})), "2.bias must hold finite numbers, got inf"),
]  # fmt: skip


@pytest.mark.sampled(5)
@pytest.mark.parametrize(("content", "message"), [pytest.param(*rest, id=name) for name, *rest in BAD])
def test_a_bad_file_is_refused_and_the_model_is_as_before(content, message, tmp_path):
    path = tmp_path / "bad.safetensors"
    path.write_bytes(content)
    model = small()
    before = bits(model)
    with pytest.raises(ValueError, match=message) as refusal:
        model.load(path)
    assert str(refusal.value).startswith(f"cannot load {str(path)!r}: ")
    assert bits(model) == before


def test_a_count_must_be_a_whole_number(tmp_path):
    path = tmp_path / "bad.safetensors"
    model = nn.BatchNorm(2)
    save_file(model.state_dict() | {"num_batches_tracked": np.array(3.5)}, path)
    with pytest.raises(ValueError, match="num_batches_tracked must be of type I64, it is F64"):
        model.load(path)


@pytest.mark.parametrize("start", [struct.pack("<Q", 2**40), struct.pack("<Q", 99_999_999), b"PK\x03\x04" * 2])
def test_no_memory_is_set_aside_for_what_a_bad_header_promises(start, tmp_path):
    path = tmp_path / "bad.safetensors"
    path.write_bytes(start + GOOD[8:])
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="damaged"):
            small().load(path)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def test_a_big_file_of_another_format_is_not_read(tmp_path):
    path = tmp_path / "bad.safetensors"
    with open(path, "wb") as file:
        file.write(b"PK\x03\x04" * 2)
        file.truncate(2**40)  # a hole: it takes no room
    with pytest.raises(ValueError, match="damaged"):
        small().load(path)


MODEL = nn.Sequential(nn.Layer(2, 3, rng=0), nn.BatchNorm(3), nn.PReLU())
SAVED = to_bytes(MODEL.state_dict())


def check_damaged(content, path):
    """Either it loads, to finite numbers in the right shapes, or ValueError names the path; nothing between."""
    path.write_bytes(content)
    model = nn.Sequential(nn.Layer(2, 3, rng=1), nn.BatchNorm(3), nn.PReLU())
    before = bits(model)
    refusal = ""
    try:
        model.load(path)
    except ValueError as error:
        refusal = str(error)
    if refusal:
        assert str(path) in refusal
        assert bits(model) == before
        return False
    state = model.state_dict()
    assert {name: (array.shape, array.dtype) for name, array in state.items()} == {
        name: (array.shape, array.dtype) for name, array in MODEL.state_dict().items()
    }
    assert all(np.isfinite(array).all() for array in state.values())
    return True


@given(length=st.integers(0, len(SAVED) - 1))
def test_a_file_cut_anywhere_is_refused(length, tmp_path_factory):
    assert not check_damaged(SAVED[:length], tmp_path_factory.getbasetemp() / "cut.safetensors")


@given(place=st.integers(0, len(SAVED) - 1), byte=st.integers(0, 255))
def test_a_file_with_a_wrong_byte_loads_well_or_is_refused(place, byte, tmp_path_factory):
    wrong = SAVED[:place] + bytes([byte]) + SAVED[place + 1 :]
    check_damaged(wrong, tmp_path_factory.getbasetemp() / "wrong.safetensors")


@pytest.mark.one_engine
@pytest.mark.slow
def test_every_cut_and_every_wrong_bit(tmp_path):
    for place in range(len(SAVED)):
        assert not check_damaged(SAVED[:place], tmp_path / "cut.safetensors")
        for bit in range(8):
            wrong = SAVED[:place] + bytes([SAVED[place] ^ 1 << bit]) + SAVED[place + 1 :]
            check_damaged(wrong, tmp_path / "wrong.safetensors")


# ---- places and arguments that are refused ----------------------------------------------------------------------


def test_loading_from_nowhere_and_from_a_directory(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"cannot load '.*nowhere.safetensors': No such file"):
        small().load(tmp_path / "nowhere.safetensors")
    (tmp_path / "folder.safetensors").mkdir()
    with pytest.raises(IsADirectoryError, match=r"cannot load '.*folder.safetensors'"):
        small().load(tmp_path / "folder.safetensors")


@pytest.mark.parametrize("name", ["weights", "weights.pt", "weights.safetensors.json", "safetensors"])
def test_another_ending_is_refused(name, tmp_path):
    with pytest.raises(ValueError, match=f"cannot save '.*{name}': the name must end in .safetensors"):
        small().save(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_saving_to_a_directory_and_into_none(tmp_path):
    (tmp_path / "folder.safetensors").mkdir()
    with pytest.raises(IsADirectoryError, match=r"folder.safetensors: it is a directory"):
        small().save(tmp_path / "folder.safetensors")
    with pytest.raises(FileNotFoundError, match="nowhere does not exist"):
        small().save(tmp_path / "nowhere" / "weights.safetensors")


def test_saving_where_nothing_may_be_written(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write anywhere
    with pytest.raises(PermissionError, match="is not writable"):
        small().save(tmp_path / "weights.safetensors")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_a_state_that_could_not_be_loaded_is_not_saved(number, tmp_path):
    path = tmp_path / "weights.safetensors"
    small().save(path)
    before = path.read_bytes()
    model = small()
    model.layers[1].bias[0].data = number
    with pytest.raises(ValueError, match=rf"cannot save '.*': 2.bias holds {number}"):
        model.save(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("function", [saving.save, saving.load])
@pytest.mark.parametrize("model", [None, {}, nn.MLP])
def test_what_is_no_module_is_refused(function, model, tmp_path):
    with pytest.raises(TypeError, match="model must be a Module, such as nn"):
        function(model, tmp_path / "weights.safetensors")


@pytest.mark.parametrize("where", ["write", "replace"])
def test_a_crash_while_saving_leaves_the_old_file(where, tmp_path, monkeypatch):
    path = tmp_path / "weights.safetensors"
    small(0).save(path)
    before = path.read_bytes()

    def replace(*args):
        raise OSError(28, "No space left on device")

    class Full(io.FileIO):
        """A file on a full disk: half is written."""

        def write(self, content):
            super().write(content[: len(content) // 2])
            replace()

    with monkeypatch.context() as patch:
        if where == "replace":
            patch.setattr(os, "replace", replace)
        else:
            patch.setattr(files, "open", Full, raising=False)
        with pytest.raises(OSError, match=r"cannot write .*weights.safetensors: No space left on device"):
            small(1).save(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
    assert load_file(path)["0.weight"].tolist() == small(0).state_dict()["0.weight"].tolist()
