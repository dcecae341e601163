"""Ordinary use, for the type checker alone: `mypy --strict` must find nothing wrong with it."""

from microgradnn import (
    History,
    Value,
    accuracy,
    check_grads,
    draw,
    exp,
    fit,
    grad,
    margin,
    nn,
    optim,
    primitive,
    steps,
    sum as total,
    tanh,
    worksheet,
)


def use() -> tuple[float, bool, list[float], Value]:
    x, y = Value(2.0, "x"), Value(-1.0)
    z: Value = -x + 1 - 2 * y / x**2 + 3 ** (x - 1) / 2 + abs(y)
    z = x.tanh() * tanh(x) + exp(z).sigmoid() + total([x, y])
    number: float = exp(1.0) + z.data + x.grad
    larger: bool = x > y
    z = (x + y).named("q") * z
    z.backward()
    draw(z).save("z.svg")
    steps(z).save("z.html")
    margin(lambda x: x * 2, 3.0).save("margin.html")
    answers: str = worksheet(z, blanks=["q"], seed=1).key["A"]
    gradient: list[float] = grad(lambda v: v[0] * v[1])([1.0, 2.0])
    check_grads(lambda v: v**2, (3.0,))
    square = primitive("square", lambda v: v * v, lambda out, v: 2 * v)
    print(answers)
    return number, larger, gradient, square(z)


def network() -> None:
    """A network as a user writes it."""
    model = nn.MLP(2, [4, 1], activation="tanh", rng=0)
    optimizer = optim.Adam(model.parameters(), lr=0.01)
    history: History = fit(
        model.train(), "hinge", [[0.0, 1.0]], [1], optimizer, epochs=1, penalty=lambda model: nn.l2(model, 0.1),
        schedule=optim.Cosine(1), metrics={"accuracy": accuracy}, progress=False,
    )  # fmt: skip
    losses: list[float] = history.loss
    model.save("model.safetensors")
    print(model.summary().parameters, losses, draw(model([0.0, 1.0]), level=2).svg())
