"""Ordinary use, for the type checkers alone: `mypy --strict` and pyright must find nothing wrong with it.

A line that ends in `type: ignore` is wrong on purpose: both checkers are told to refuse such a comment where they would
have found nothing.
"""

from typing import Any, assert_type

from microgradnn import (
    History,
    Value,
    accuracy,
    check_grads,
    compile,
    detect_anomaly,
    draw,
    exp,
    fit,
    grad,
    hessian,
    margin,
    nn,
    optim,
    primitive,
    report_grads,
    steps,
    sum as total,
    tanh,
    to_latex,
    value_and_grad,
    worksheet,
)
from microgradnn.compiler.program import Program
from microgradnn.drawing import Drawing


def use() -> tuple[float, bool, list[float], Value]:
    x, y = Value(2.0, "x"), Value(-1)
    assert_type(-x + 1 - 2 * y / x**2 + 3 ** (x - 1) / 2 + abs(y), Value)
    z = x.tanh() * tanh(x) + exp(x).sigmoid() + total([x, y])
    assert_type(exp(1.0), float)
    assert_type(exp(x), Value)
    number: float = exp(1.0) + z.data + x.grad
    larger: bool = x > y
    z = (x + y).named("q") * x
    assert_type(z, Value)
    z.backward()
    draw(z).save("z.svg")
    steps(z).save("z.html")
    margin(lambda x: x * 2, 3.0).save("margin.html")
    answers: str = worksheet(z, blanks=["q"], seed=1).key["A"]
    assert_type(draw(z, digits=3), Drawing)
    equations: str = str(to_latex(z))
    square = primitive("square", lambda v: v * v, lambda out, v: 2 * v)
    with detect_anomaly():
        print(answers, equations)
    return number, larger, [leaf.grad for leaf in (x, y)], square(z)


def trust() -> list[float]:
    gradient: list[float] = grad(lambda v: v[0] * v[1])([1.0, 2.0])
    value, slopes = value_and_grad(lambda x, y: x * y, argnums=(0, 1))(1.0, 2.0)
    print(value, slopes, hessian(lambda v: v[0] ** v[1])([3.0, 0.0])[0][1])
    assert_type(check_grads(lambda v: v**2, (3.0,)), None)
    assert_type(report_grads(lambda v: v**2, (3.0,)).guilty, list[str])
    return gradient


def network() -> None:
    """A network as a user writes it."""
    model = nn.MLP(2, [4, 1], activation="tanh", rng=0)
    optimizer = optim.Adam(model.parameters(), lr=0.01)
    history = fit(
        model.train(), "hinge", [[0.0, 1.0]], [1], optimizer, epochs=1, penalty=lambda model: nn.l2(model, 0.1),
        schedule=optim.Cosine(1), metrics={"accuracy": accuracy}, progress=False,
    )  # fmt: skip
    assert_type(history, History)
    assert_type(history.loss, list[float])
    assert_type(history.metrics["accuracy"], list[float])
    assert_type(model.parameters(), list[Value])
    assert_type(model([0.0, 1.0]), Any)
    model.save("model.safetensors")
    print(model.summary().parameters, draw(model([0.0, 1.0]), level=2).svg())


def program() -> str:
    slope = Value(2.0)
    squares = compile(lambda x: (slope * x) ** 2, [slope], example=(0.0,))
    assert_type(squares, Program)
    value, gradient = squares.value_and_grad([1.0, 3.0])
    print(value, gradient)
    return squares.explain()


def wrong(x: Value, history: History, square: Program) -> None:
    """What a checker must not let pass."""
    Value("2")  # type: ignore[arg-type]
    Value(2.0, name=3)  # type: ignore[arg-type]
    exp("1")  # type: ignore[call-overload]
    x.tahn()  # type: ignore[attr-defined]
    x.backward().grad()  # type: ignore[attr-defined,func-returns-value]
    x.named(3)  # type: ignore[arg-type]
    assert_type(x * 2, float)  # type: ignore[assert-type]
    grad(x)  # type: ignore[arg-type]
    check_grads(lambda v: v, (1.0,), ordre=2)  # type: ignore[call-arg]
    nn.MLP(2)  # type: ignore[call-arg]
    optim.Adam([x], learning_rate=0.1)  # type: ignore[call-arg]
    fit(nn.Linear(1, 1), "mse", [[0.0]], [0.0], "adam", epoch=1)  # type: ignore[call-arg]
    print(history.losses)  # type: ignore[attr-defined]
    compile(lambda x: x, [x], example=(0.0,), backend="numba")  # type: ignore[arg-type]
    square.explain().save()  # type: ignore[attr-defined]
    draw(x).sav("x.svg")  # type: ignore[attr-defined]
