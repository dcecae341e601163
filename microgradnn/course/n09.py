"""The questions of notebook 9, from scalars to arrays."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from microgradnn import nn
from microgradnn.compiler import compile as compiled
from microgradnn.compiler.ir import shape_of
from microgradnn.course.answers import AnswerError, function_from
from microgradnn.course.questions import Choice, Condition, Number, Numbers, Question
from microgradnn.value import Value


@cache
def _products(*sizes: int) -> tuple[int, int]:
    """How many products of matrices a step of learning takes, forward and backward."""
    model = nn.MLP(sizes[0], list(sizes[1:]), activation="tanh", rng=0)
    program = compiled(
        lambda x, c: nn.cross_entropy(model(x), c), model.parameters(), example=([0.5] * sizes[0], 1)
    ).array_program
    backward = [op.source is not None for op in program.ops if op.kind == "einsum"]
    return backward.count(False), backward.count(True)


def _called(answer: Any, names: list[str]) -> Callable[..., Any]:
    """The function that `compile` is to call; an expression as text would ask for numbers at every gate."""
    if isinstance(answer, str):
        arguments = ", ".join(names)
        raise AnswerError(f"compile calls a function: write lambda {arguments}: … without the quotes.")
    return function_from(answer, names)


def _huber(f: Callable[..., Any]) -> str | None:
    """Whether f can be compiled and is Huber's loss, with its slope."""
    try:
        program = compiled(f, example=(0.5,), reduce="sum", wrt="inputs")
    except TypeError as refused:
        if "while compile records" not in str(refused):
            raise
        return (
            "it cannot be compiled: it asks for the number of a Value, as if, max() and comparisons do."
            " where(c, a, b) does not, if its c is a number, above 0 where a is wanted."
        )
    for r in (-3.0, -1.5, -0.25, 0.0, 0.5, 2.0):
        true = r * r / 2 if abs(r) <= 1 else abs(r) - 0.5
        if abs(program.value([r]) - true) > 1e-9:
            return f"at r = {r:g} it gives {program.value([r]):g}, and Huber's loss is {true:g} there."
        slope = max(-1.0, min(1.0, r))
        if abs(program.grad([r])[0] - slope) > 1e-9:
            return f"its values are right, but at r = {r:g} its slope is not {slope:g}."
    return None


def _slid(f: Callable[..., Any]) -> str | None:
    """Whether f of three weights and eight inputs becomes one product of 1 × 3 and 3 × 6 B."""
    w = [Value(1.0), Value(2.0), Value(3.0)]
    inputs = [float(i) for i in range(8)]
    outputs = f(w, inputs)
    if not isinstance(outputs, (list, tuple)) or len(outputs) != 6:
        count = len(outputs) if isinstance(outputs, (list, tuple)) else "no list of"
        return (
            f"it gives {count} number{'s' * (count != 1)}, six are asked for."
            " A neuron of three weights has six places among eight inputs."
        )
    steps = compiled(lambda x: f(w, x), w, example=(inputs,), reduce=None).array_program.ops
    if len(steps) == 1 and steps[0].kind == "einsum":
        shapes = tuple(map(shape_of, steps[0].operands))
        if shapes == ((1, 3), (3, 6)):
            return None
        return f"one product, but of {shapes[0][0]} × {shapes[0][1]} and {shapes[1][0]} × {shapes[1][1]}."
    count = f"{len(steps)} step{'s' * (len(steps) > 1)}"
    return f"it becomes {count}, and no single product. Let the same three weights meet neighbours."


QUESTIONS: dict[str, Question] = {
    "09.predict-products": Number(
        truth=2,
        why="one for each layer, and the maximum between them.",
        hint="Count the matrices in W₂ max(0, W₁ x).",
        slips=[
            (3, "the maximum in between is no product."),
            (20, "these are the products of single numbers."),
            (1, "they would be one if nothing stood between them. But there is the maximum."),
            (6, "these are the neurons; a layer of them is one product."),
        ],
    ),
    "09.predict-size": Numbers(
        names=["rows", "columns"],
        truth=[4, 5],
        why="a row for each neuron, a column for each example.",
        hint="W₁ has a row for each hidden neuron; the examples stand side by side.",
        slips=[
            ((3, 5), "that is the size of the inputs. What does W₁, 4 × 3, make of them?"),
            ((4, 3), "that is the size of W₁ itself."),
            ((2, 5), "that is the second product."),
            ((4, 1), "that is for a single example."),
        ],
    ),
    "09.predict-backward": Number(
        truth=lambda: _products(3, 4, 2)[1],
        why="two for the weights, and one for the inputs of the second layer.",
        hint="Take dW and dX for each of the two layers. Which of these four does nobody need?",
        slips=[
            (4, "one of these four gives the derivative by x, for which nobody asks."),
            (2, "these are the two dW. How does the gradient get from the second layer to the first?"),
        ],
    ),
    "09.predict-penalty": Number(
        truth=1,
        why="it is the same for all examples.",
        hint="Does it come out different for another example?",
        slips=[
            (64, "that is what eager code does. Does it come out different for another example?"),
            (0, "it belongs to the loss; at least once it must be computed."),
        ],
    ),
    "09.predict-speed": Choice(
        right="c",
        wrong={
            "a": "more. For each number Python does a lot beside the arithmetic, and 64 examples have many numbers.",
            "b": "more. For each number Python does a lot beside the arithmetic, and 64 examples have many numbers.",
        },
        words={"5": "a", "50": "b", "several hundred": "c"},
        why="a few dozen calls on whole arrays do what Python did number by number, gate by gate.",
        hint="Does the arithmetic take the time, or what Python does around it for every number?",
    ),
    "09.predict-if": Number(
        truth=-3,
        why="it would have recorded what happened at 3.0, where x itself is returned.",
        hint="At 3.0 the test is true. What is then written on the tape?",
        slips=[
            (-0.3, "that is right, and the program would be wrong: it never heard of the other way."),
            (0, "there is no 0 in it. What is returned at 3.0?"),
        ],
    ),
    "09.1": Numbers(
        names=["forward", "backward"],
        truth=lambda: _products(64, 40, 30, 20, 10),
        why="one forward for each layer; backward two for each, but one less for the first.",
        hint="Two come back for each one forward, but who needs the derivative by the pixels?",
        slips=[((3, 5), "64 are the inputs; how many layers come after them?")],
        slips_of={
            "backward": [
                (8, "Two come back for each one forward, but who needs the derivative by the pixels?"),
                (4, "These are the ones for the weights. How does the gradient get from layer to layer?"),
                (3, "These are the ones from layer to layer. Where are those for the weights?"),
            ]
        },
    ),
    "09.2": Condition(
        read=lambda answer: _called(answer, ["r"]),
        judge=_huber,
        why="where computes both pieces and picks, number by number.",
        hint="where(c, a, b) gives a where c > 0; when is 1 − abs(r) above 0?",
    ),
    "09.3": Condition(
        read=lambda answer: _called(answer, ["w", "x"]),
        judge=_slid,
        why="one neuron that looks at three neighbours and slides on: a convolution.",
        hint="One neuron with three weights looks at three neighbours. Where can it look next?",
    ),
}  # fmt: skip
