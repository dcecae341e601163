"""What holds no numbers is refused with a remedy, and the remedy works, wherever numbers are read."""

import decimal
import fractions
import re
from types import SimpleNamespace

import numpy as np
import pytest

import microgradnn as m
from microgradnn import Value, nn
from microgradnn.reading import number, numbers_in, remedy

COMPLEX = "complex numbers are not supported, use two Values for the real and imaginary parts"
CONVERT = r"convert it with float\(\.\.\.\) first"
LIST = r": make a list of it first, list\(\.\.\.\)"


@pytest.mark.parametrize(
    "x", [True, 3, 0.1, fractions.Fraction(1, 3), np.float32(0.1), np.int8(3), np.bool_(True), np.longdouble(2)]
)
def test_real_numbers_of_every_kind_are_floats(x):
    assert type(number(x)) is float
    assert number(x) == float(x)
    assert remedy(x) == ""


@pytest.mark.parametrize(
    ("x", "advice"),
    [
        (1j, COMPLEX),
        (np.complex64(1j), COMPLEX),
        ("1", CONVERT),
        (np.str_("1"), CONVERT),
        (b"1", CONVERT),
        (decimal.Decimal(1), CONVERT),
        (None, r"did a function forget to return its result\?"),
        (np.array(2.0), r"use its \.item\(\) for the number in it"),
        (np.array([2]), r"take .* \[Value\(v\) for v in data\.tolist\(\)\], or use its \.item\(\)"),
        (np.array(Value(2.0), dtype=object), r"use its \.item\(\) for the number in it"),
        (np.array([2.0, Value(1.0)]), r"a function takes one number at a time, numpy\.vectorize\(f\)\(data\) calls .*"),
        (np.ones(2), r"take one number at a time, as in .* or \[Value\(v\) for v in data\.tolist\(\)\]"),
        ([1.0], r"take one number at a time, as in .* or \[Value\(v\) for v in data\]"),
        ({1.0}, r"take one number at a time, as in .* or \[Value\(v\) for v in data\]"),
    ],
    ids=repr,
)
def test_what_is_not_one_number_gets_a_remedy(x, advice):
    array = isinstance(x, np.ndarray)  # with which operators work entry by entry
    for refused in (number, Value) if array else (number, Value, lambda x: Value(1.0) * x, lambda x: x * Value(1.0)):
        if refused is Value and array and x.dtype == object:
            continue  # NumPy hands the Value in it over
        with pytest.raises(TypeError, match=f"expected a number or a Value, got {type(x).__name__} .*: {advice}$"):
            refused(x)


def test_a_value_is_no_plain_number():
    with pytest.raises(TypeError, match=r"use its \.data for the number in it"):
        number(Value(1.0))


def test_an_array_that_is_no_sequence_is_told_its_item():
    """NumPy would say `iteration over a 0-d array`."""
    x = np.array(2.0)
    for f in (m.sum, m.mean, m.logsumexp, m.softmax, lambda x: m.maximum(x, 1.0), lambda x: m.dot(x, 2.0)):
        with pytest.raises(TypeError, match=r"use its \.item\(\) for the number in it"):
            f(x)


# ---- arrays --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [
        [[1, 2], [3, 4]],
        np.ones((2, 2), np.float32),
        [np.array(1.0), 2],
        [fractions.Fraction(1, 2), 1],
        [[True]],
        range(3),
    ],
    ids=repr,
)
def test_numbers_in_lists_and_arrays_are_read(data):
    found = numbers_in(data, "X must hold numbers")
    assert found.dtype.kind in "bif"
    assert found.tolist() == np.array(data, dtype=float).tolist()


WRONG = [
    ([[1.0, 2.0], [3.0]], ""),
    ([np.ones(2), np.ones(3)], ""),
    ([1.0, [2.0, None]], r": did a function forget to return its result\?"),
    ([[1.0, "2"]], f": {CONVERT}"),
    (np.array(["1", "2"]), f": {CONVERT}"),
    (np.array(["1", 2.0], dtype=object), f": {CONVERT}"),
    (np.array(["2026-01-01"], dtype="M8[D]"), f": {CONVERT}"),
    (np.ones(2) * 1j, f": {COMPLEX}"),
    ([1.0, 1j], f": {COMPLEX}"),
    ([Value(1.0), 2.0], ": use its .data for the number in it"),
    ([10**400], ""),
    (iter([1.0]), LIST),
    ((x for x in [1.0]), LIST),
    ({1.0, 2.0}, LIST),
    ({"a": 1.0}.values(), LIST),
    ({"a": 1.0}, r": make a list of its values first, list\(\.\.\. \.values\(\)\)"),
    ([map(float, "12"), map(float, "34")], LIST),
]


@pytest.mark.parametrize(("data", "advice"), WRONG)
def test_what_no_array_of_numbers_holds_gets_a_remedy(data, advice):
    with pytest.raises(TypeError, match=rf"^X must hold numbers, got {re.escape(f'{data!r:.60}')}{advice}$"):
        numbers_in(data, "X must hold numbers")


def test_a_program_and_its_example_take_no_generator_and_say_what_they_take():
    for use in (lambda x: m.compile(m.sum, example=(x,)), m.compile(m.sin, example=(0.0,)).value):
        with pytest.raises(TypeError, match=f"argument 0 .*must be numbers.*{LIST}$"):
            use(x for x in [1.0])
        use([1.0])


# ---- PyTorch and bfloat16 -----------------------------------------------------------------------------------------


class Tensor:
    """A stand-in for a tensor of PyTorch that NumPy cannot read."""

    def __init__(self, requires_grad=False, is_sparse=False, device="cpu", dtype="torch.float32"):
        self.requires_grad, self.is_sparse, self.dtype, self.shape = requires_grad, is_sparse, dtype, (2,)
        self.device = SimpleNamespace(type=device)

    def __array__(self, dtype=None, copy=None):
        raise RuntimeError("can't")

    detach = tolist = __len__ = None


@pytest.mark.parametrize(
    ("properties", "calls"),
    [
        ({"requires_grad": True}, ".detach()"),
        ({"dtype": "torch.bfloat16"}, ".float()"),
        ({"requires_grad": True, "is_sparse": True, "device": "cuda", "dtype": "torch.float8_e5m2"},
         ".detach().to_dense().cpu().float()"),
    ],
)  # fmt: skip
def test_a_tensor_that_numpy_cannot_read_gets_the_calls_that_make_it_readable(properties, calls):
    tensor = Tensor(**properties)
    for read in (lambda x: numbers_in(x, "X"), lambda x: numbers_in([[x]], "X"), nn.Neuron(2)):
        with pytest.raises(TypeError, match=rf"got .*: use its {re.escape(calls)}$"):
            read(tensor)
    with pytest.raises(TypeError, match=rf"or \[Value\(v\) for v in data{re.escape(calls)}\.tolist\(\)\]$"):
        number(tensor)


def tensors():
    """Tensors of 2 or 1 numbers that NumPy cannot read, and the calls that make them readable."""
    import torch

    parameter, coarse = torch.nn.Parameter, torch.bfloat16
    for shape in [(2,), (), (1,)]:
        yield torch.ones(shape, requires_grad=True), ".detach()"
        yield parameter(torch.ones(shape)), ".detach()"
        yield torch.ones(shape, dtype=coarse), ".float()"
        yield parameter(torch.ones(shape, dtype=coarse)), ".detach().float()"
        yield torch.ones(shape).to_sparse(), ".to_dense()"
    yield torch.ones(2).to(torch.float8_e4m3fn), ".float()"


def readers():
    """Everything that reads numbers, as functions of two of them, and what each says of what it cannot read."""
    model, w = nn.MLP(2, [3, 1], rng=0), Value(1.0)
    program = m.compile(lambda x: w * (x[0] + x[1]), w, example=([0.0, 0.0],))
    example = lambda x: m.compile(lambda _: w, w, example=(x,))  # noqa: E731
    yield model, "expected numbers, got "
    yield lambda x: nn.mse(x, [1.0, 1.0]), "expected numbers, got "
    yield lambda x: nn.mse([1.0, 1.0], x), "expected numbers, got "
    yield lambda x: m.accuracy(x, [1, 1]), "expected numbers, got "
    yield lambda x: m.fit(model, "mse", [x, x], [0.0, 1.0], "sgd", 1, progress=False), "X must hold numbers in rows"
    yield lambda x: m.fit(model, "mse", [[1, 2], [3, 4]], x, "sgd", 1, progress=False), "y must hold numbers in rows"
    yield example, "argument 0 of the example must be numbers"
    yield lambda x: program.value([x]), "argument 0 must be numbers"
    yield lambda x: nn.Neuron(2).load_state_dict({"w": x, "b": 0.0}), "w must be an array of numbers"


@pytest.mark.torch
def test_what_numpy_cannot_read_is_refused_with_calls_that_make_it_readable():
    for tensor, calls in tensors():
        for read, saying in readers():
            with pytest.raises((TypeError, ValueError), match=f"(?s)^{saying}.*: use its {re.escape(calls)}$"):
                read(tensor)
            if tensor.shape == (2,):
                read(eval(f"tensor{calls}", {"tensor": tensor}))


@pytest.mark.torch
def test_one_number_of_a_tensor_and_several_have_a_remedy_that_works():
    for tensor, calls in tensors():
        for read in (Value, lambda x: x * Value(2.0), lambda x: Value(2.0) ** x, lambda x: m.maximum(x, Value(0.5))):
            with pytest.raises(TypeError, match=f"got {type(tensor).__name__} ") as caught:
                read(tensor)
            if tensor.shape == (1,):
                assert str(caught.value).endswith(f", or use its {calls}.item()")
            if tensor.shape:
                advised = re.search(r"or (\[Value.*?\])(, or .*)?$", str(caught.value))[1]
                assert f"data{calls}.tolist()" in advised
                assert [v.data for v in eval(advised, {"Value": Value, "data": tensor})] == [1.0] * len(tensor)
            else:
                advised = re.search(r"use its (\S+) for the number in it$", str(caught.value))[1]
                assert advised == f"{calls}.item()"
                assert isinstance(read(eval(f"tensor{advised}", {"tensor": tensor})), Value)


@pytest.mark.jax
def test_arrays_of_bfloat16_are_told_to_become_floats():
    import jax.numpy as jnp

    coarse = jnp.ones(2, dtype=jnp.bfloat16)
    for array in (coarse, np.asarray(coarse)):
        with pytest.raises(TypeError, match=r"X must hold numbers, got .*: use its \.astype\(float\)$"):
            numbers_in(array, "X must hold numbers")
        assert numbers_in(array.astype(float), "X must hold numbers").tolist() == [1.0, 1.0]
        with pytest.raises(TypeError, match=r"use its \.astype\(float\)\.item\(\) for the number in it"):
            Value(array[0])
        with pytest.raises(TypeError, match=r"for v in data\.astype\(float\)\.tolist\(\)"):
            Value(array)


def test_masked_entries_are_no_numbers():
    masked = np.ma.array([1.0, 2.0], mask=[False, True])
    with pytest.raises(TypeError, match=r"masked entries are no numbers, use \.compressed\(\) or \.filled"):
        numbers_in(masked, "X must hold numbers")
    assert numbers_in(np.ma.array([1.0, 2.0]), "X").tolist() == [1.0, 2.0]
