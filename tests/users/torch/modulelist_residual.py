"""A residual stack in a ModuleList, with a ModuleDict of activations, names and children, and a look into the middle."""
import microgradnn.nn as nn
from microgradnn import mean, norm, optim


class Block(nn.Module):
    def __init__(self, width, act):
        super().__init__()
        self.lin1 = nn.Linear(width, width)
        self.lin2 = nn.Linear(width, width, bias=False)
        self.act = act

    def forward(self, x):
        return [a + b for a, b in zip(x, self.lin2(self.act(self.lin1(x))))]


class Stack(nn.Module):
    def __init__(self, nin, width, depth, act="tanh"):
        super().__init__()
        acts = {"tanh": nn.Tanh(), "relu": nn.ReLU(), "leaky": nn.LeakyReLU(0.1), "sigmoid": nn.Sigmoid(), "elu": nn.ELU(),
                "softplus": nn.Softplus(), "gelu": nn.GELU(), "silu": nn.SiLU()}
        self.inp = nn.Linear(nin, width)
        self.blocks = nn.ModuleList([Block(width, acts[act]) for _ in range(depth)])
        self.out = nn.Linear(width, 1)

        self.upto = None

    def forward(self, x):
        x = self.inp(x)
        for block in list(self.blocks)[:self.upto]:
            x = block(x)
        return self.out(x)


def set_weights(model):
    state = {}
    for k, (name, p) in enumerate(model.state_dict().items()):
        if p.ndim == 2:
            n, m = p.shape
            state[name] = [[((i * 5 + j * 3 + k * 2) % 9 - 4) / 10.0 for j in range(m)] for i in range(n)]
        else:
            state[name] = [0.01 * (i - 1) for i in range(p.shape[0])]
    model.load_state_dict(state)


X = ([[i / 5.0, ((i * 3) % 7) / 7.0] for i in range(-5, 6)])
y = ([[x[0] * x[1] + 0.3] for x in X])

for act in ["tanh", "relu", "leaky", "sigmoid", "elu", "softplus", "gelu", "silu"]:
    model = Stack(2, 4, 3, act)
    set_weights(model)
    opt = optim.Adam(model.parameters(), lr=0.01)
    for step in range(25):
        opt.zero_grad()
        loss = nn.functional.mse_loss(model(X), y)
        loss.backward()
        opt.step()
    print(f"{act:8s} loss {loss.data:.6f} out {model(X)[3][0].data:.6f}")

print(model)
print(len(model.blocks), model.blocks[0].lin2.bias is None)
print(list(model.state_dict())[:6])
print([name for name, _ in model.named_children()])
print([name for name, m in model.named_modules() if isinstance(m, nn.Linear)])
print("parameters", len(model.parameters()), "tensors", len(model.state_dict()))

for upto in range(4):
    model.upto = upto
    print("upto", upto, f"{mean([o for [o] in model(X)]):.6f}")
model.upto = None

model.blocks.append(Block(4, nn.ReLU()))
set_weights(model)
print("one more", len(model.blocks), len(model.state_dict()), f"{sum(o for [o] in model(X)):.6f}")
model.zero_grad()
mean([o for [o] in model(X)]).backward()
grad_norm = lambda lin: norm([w.grad for row in lin.weight for w in row])
for i, block in enumerate(model.blocks):
    print(i, f"{grad_norm(block.lin1):.6f} {grad_norm(block.lin2):.6f}")
