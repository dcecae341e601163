"""XOR with a Sequential: print it, index it, count its parameters, train it, look inside."""
import math
from microgradnn import Value, nn, no_grad, norm, optim

model = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 1))
print(model)
print("len", len(model), "last", model[-1], "relu?", isinstance(model[1], nn.ReLU))

# weights from a formula, so that the run can be repeated anywhere
k = 0
with no_grad():
    for layer in model:
        if isinstance(layer, nn.Linear):
            rows = []
            for i in range(layer.out_features):
                row = []
                for j in range(layer.in_features):
                    row.append(round(math.sin(1.7 * k + 0.3), 4) / math.sqrt(layer.in_features))
                    k += 1
                rows.append(row)
            layer.load_state_dict({"weight": rows, "bias": [0.05 * (i % 3 - 1) for i in range(layer.out_features)]})

print("shapes", [p.shape for p in model.state_dict().values()])
print("count", len(model.parameters()))
print("w[0][1]", f"{model[0].weight[0][1].data:.6f}", "b[2]", f"{model[0].bias[2].data:.6f}")

X = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]
Y = [[0.0], [1.0], [1.0], [0.0]]

criterion = nn.MSELoss()
optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)

for epoch in range(100):
    optimizer.zero_grad()
    out = model(X)
    loss = criterion(out, Y)
    loss.backward()
    optimizer.step()
    if epoch % 20 == 0:
        print(f"epoch {epoch:3d} loss {loss.data:.6f}")

with no_grad():
    out = model(X)
print("loss", f"{criterion(out, Y).data:.6f}")
print("out", [f"{v:.6f}" for v in out])
print("rounded", [int(v > 0.5) for v in out])

# one example at a time gives the same numbers
for x in X:
    y = model(x)
    print(f"{y.data:.6f}")

# the first layer's output and which units are on
hidden = model[1](model[0](X[1]))
print("on", [int(h > 0) for h in hidden], f"{sum(hidden):.6f}")
print("norms", " ".join(f"{norm(p.ravel()):.6f}" for p in model.state_dict().values()))

# gradient of the output with respect to an input
x = [Value(0.3), Value(0.6)]
model(x).backward()
print("input gradient", [f"{v.grad:.6f}" for v in x])
