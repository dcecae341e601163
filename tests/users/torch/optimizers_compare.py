"""The same small regression under a dozen optimiser settings, 25 full-batch steps each."""
from microgradnn import nn, optim

xs = [[-1.0 + 0.2 * i, (i * 7 % 11) / 5.0 - 1.0] for i in range(11)]
ys = [[x[0] ** 2 - 0.5 * x[1]] for x in xs]
X, Y = xs, ys


def weights(rows, cols, a, b):
    return [[((a * (i * cols + j) + b) % 19 - 9) / 15 for j in range(cols)] for i in range(rows)]


def make():
    model = nn.Sequential(nn.Linear(2, 6), nn.Tanh(), nn.Linear(6, 1))
    model.load_state_dict({
        "0.weight": weights(6, 2, 5, 3),
        "0.bias": [0.1 * (i - 2) for i in range(6)],
        "2.weight": weights(1, 6, 7, 2),
        "2.bias": [0.0],
    })
    return model


class Dampened(optim.SGD):
    memory = ("velocity", "step")

    def update(self, gradient, state, settings):
        state["step"] += 1
        state["velocity"] = settings["momentum"] * state["velocity"] + (gradient if state["step"] == 1 else 0.7 * gradient)
        return -settings["lr"] * state["velocity"]


class Centered(optim.RMSprop):
    memory = ("mean_square", "mean")

    def update(self, gradient, state, settings):
        a = settings["alpha"]
        state["mean_square"] = a * state["mean_square"] + (1 - a) * gradient ** 2
        state["mean"] = a * state["mean"] + (1 - a) * gradient
        return -settings["lr"] * gradient / ((state["mean_square"] - state["mean"] ** 2) ** 0.5 + settings["eps"])


class Momentum(optim.RMSprop):
    memory = ("mean_square", "velocity")

    def update(self, gradient, state, settings):
        a = settings["alpha"]
        state["mean_square"] = a * state["mean_square"] + (1 - a) * gradient ** 2
        state["velocity"] = 0.8 * state["velocity"] + gradient / (state["mean_square"] ** 0.5 + settings["eps"])
        return -settings["lr"] * state["velocity"]


class Amsgrad(optim.Adam):
    memory = ("step", "mean", "mean_square", "largest")

    def update(self, gradient, state, settings):
        b1, b2 = settings["betas"]
        state["step"] += 1
        state["mean"] = b1 * state["mean"] + (1 - b1) * gradient
        state["mean_square"] = b2 * state["mean_square"] + (1 - b2) * gradient ** 2
        state["largest"] = max(state["largest"], state["mean_square"])
        root = (state["largest"] / (1 - b2 ** state["step"])) ** 0.5
        return -settings["lr"] * state["mean"] / (1 - b1 ** state["step"]) / (root + settings["eps"])


settings = {
    "sgd": lambda p: optim.SGD(p, lr=0.1),
    "sgd momentum": lambda p: optim.SGD(p, lr=0.05, momentum=0.9),
    "sgd nesterov": lambda p: optim.SGD(p, lr=0.05, momentum=0.9, nesterov=True),
    "sgd dampening": lambda p: Dampened(p, lr=0.05, momentum=0.9),
    "sgd weight decay": lambda p: optim.SGD(p, lr=0.1, weight_decay=0.01),
    "sgd maximize": lambda p: optim.SGD(p, lr=0.001),
    "adagrad": lambda p: optim.Adagrad(p, lr=0.1),
    "adagrad decay": lambda p: optim.Adagrad(p, lr=0.1, weight_decay=0.001),
    "rmsprop": lambda p: optim.RMSprop(p, lr=0.01),
    "rmsprop centered": lambda p: Centered(p, lr=0.01, alpha=0.9, eps=1e-6),
    "rmsprop momentum": lambda p: Momentum(p, lr=0.005, weight_decay=1e-3),
    "adam": lambda p: optim.Adam(p, lr=0.02),
    "adam betas": lambda p: optim.Adam(p, lr=0.02, betas=(0.8, 0.99), eps=1e-6),
    "adam weight decay": lambda p: optim.Adam(p, lr=0.02, weight_decay=0.05),
    "adam amsgrad": lambda p: Amsgrad(p, lr=0.05),
    "adamw": lambda p: optim.AdamW(p, lr=0.02),
    "adamw strong": lambda p: optim.AdamW(p, lr=0.02, weight_decay=0.5),
}

loss_fn = nn.MSELoss()
ranking = []
for name, build in settings.items():
    model = make()
    optimizer = build(model.parameters())
    losses = []
    if name == "adagrad decay":
        for p in model.parameters():
            optimizer.state[p]["square_sum"] = 0.1
    for step in range(25):
        optimizer.zero_grad()
        loss = loss_fn(model(X), Y)
        if name == "sgd maximize":
            (-loss).backward()
        else:
            loss.backward()
        if name == "adagrad decay":
            optimizer.param_groups[0]["lr"] = 0.1 / (1 + step * 0.05)
        optimizer.step()
        losses.append(loss.data)
    size = sum(p.data ** 2 for p in model.parameters())
    ranking.append((losses[-1], name))
    print(f"{name:18s} {losses[0]:.6f} {losses[9]:.6f} {losses[-1]:.6f} |w|^2 {size:.6f}")
print("order:", ", ".join(name for _, name in sorted(ranking)))

# a closure, the other way of calling step
model = make()
optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.5)


def closure():
    optimizer.zero_grad()
    loss = loss_fn(model(X), Y)
    loss.backward()
    return loss


for _ in range(5):
    value = closure()
    optimizer.step()
print("closure", f"{value.data:.6f}", {k: v for k, v in optimizer.defaults.items() if k in ("lr", "momentum", "nesterov")})
