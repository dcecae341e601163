"""Parameter groups: slow body and fast head, no decay on biases, freezing, a group added half way."""
from microgradnn import nn, norm
from microgradnn.optim import SGD, AdamW


def fill(linear, scale, shift):
    n, m = linear.out_features, linear.in_features
    w = [[scale * ((3 * i + 5 * j + shift) % 7 - 3) / 3 for j in range(m)] for i in range(n)]
    linear.load_state_dict({"weight": w, "bias": [0.02 * (i + 1) for i in range(n)]})


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 4), nn.Tanh())
        self.head = nn.Linear(4, 1)
        self.extra = nn.Linear(4, 1)
        fill(self.body[0], 0.6, 1)
        fill(self.body[2], 0.5, 2)
        fill(self.head, 0.4, 3)
        fill(self.extra, 0.1, 4)
        self.use_extra = False

    def forward(self, x):
        h = self.body(x)
        y = self.head(h)
        return y[0] + self.extra(h)[0] if self.use_extra else y


X = ([[0.1 * i, 0.5 - 0.07 * i, (i % 4) * 0.3] for i in range(12)])
Y = ([[0.3 * (i % 4) - 0.05 * i] for i in range(12)])
loss_fn = nn.MSELoss(reduction="sum")


def train(net, opt, steps):
    for _ in range(steps):
        opt.zero_grad()
        loss = loss_fn(net(X), Y)
        loss.backward()
        opt.step()
    return loss_fn(net(X), Y).data


def norms(net):
    return {n: f"{norm(p.ravel()):.6f}" for n, p in net.state_dict().items() if n.endswith("weight")}


# 1. different learning rates
net = Net()
opt = SGD([{"params": net.body.parameters(), "lr": 0.001},
           {"params": net.head.parameters()}], lr=0.02, momentum=0.8)
print("groups", len(opt.param_groups), [g["lr"] for g in opt.param_groups], "of", sum(len(g["params"]) for g in opt.param_groups))
print("start", f"{loss_fn(net(X), Y).data:.6f}")
print("two rates", f"{train(net, opt, 20):.6f}", norms(net))

# 2. a group added half way, and the rates changed by hand
net.use_extra = True
opt.add_param_group({"params": net.extra.parameters(), "lr": 0.01, "momentum": 0.0})
print("groups", [(g["lr"], g["momentum"]) for g in opt.param_groups])
print("with extra", f"{train(net, opt, 10):.6f}", norms(net))
for g in opt.param_groups:
    g["lr"] *= 0.5
print("halved", [g["lr"] for g in opt.param_groups], f"{train(net, opt, 10):.6f}")

# 3. AdamW with decay on the matrices only
net = Net()
decay = [p for n, p in net.named_parameters() if "weight" in n and not n.startswith("extra")]
no_decay = [p for n, p in net.named_parameters() if "bias" in n and not n.startswith("extra")]
opt = AdamW([{"params": decay, "weight_decay": 0.3}, {"params": no_decay, "weight_decay": 0.0}], lr=0.01)
print("adamw", f"{train(net, opt, 30):.6f}", norms(net))
print("biases", [f"{b:.6f}" for b in net.head.bias + net.body[2].bias])

# 4. a frozen body
net = Net()
before = [p.data for p in net.body.parameters()]
opt = SGD(net.head.parameters(), lr=0.02)
print("frozen", f"{train(net, opt, 20):.6f}",
      "unchanged", before == [p.data for p in net.body.parameters()])
opt.add_param_group({"params": net.body.parameters(), "lr": 0.005})
print("thawed", f"{train(net, opt, 20):.6f}", norms(net))
try:
    opt.add_param_group({"params": net.head.parameters()})
except ValueError as err:
    print("ValueError for a parameter given twice")
