"""One line for each loss: value and gradient on the same few predictions, with the options people use."""
from microgradnn import Value, mean, nn, softplus

PRED = [0.5, -1.2, 2.0, 0.1]
TARGET = [1.0, -1.0, -0.5, 0.1]
LABEL = [1.0, 0.0, 1.0, 0.0]
LOGITS = [[2.0, 0.5, -1.0], [0.1, 0.2, 0.3], [-1.5, 1.0, 0.0]]
CLASSES = [0, 2, 1]


def show(name, loss_fn, pred, target):
    p = [[Value(v) for v in row] if isinstance(row, list) else Value(row) for row in pred]
    loss = loss_fn(p, target)
    (sum(loss) if isinstance(loss, list) else loss).backward()
    g = " ".join(f"{v.grad + 0.0:.6f}" for row in p for v in (row if isinstance(row, list) else [row]))
    value = [f"{v:.6f}" for v in loss] if isinstance(loss, list) else f"{loss:.6f}"
    print(f"{name:28s} {value}  | {g}")


show("MSE", nn.MSELoss(), PRED, TARGET)
show("MSE sum", nn.MSELoss(reduction="sum"), PRED, TARGET)
show("MSE none", nn.MSELoss(reduction="none"), PRED, TARGET)
show("L1", nn.L1Loss(), PRED, TARGET)
show("L1 sum", nn.L1Loss(reduction="sum"), PRED, TARGET)
show("Huber", nn.HuberLoss(), PRED, TARGET)
show("Huber delta=0.3", nn.HuberLoss(delta=0.3), PRED, TARGET)
show("Huber sum", nn.HuberLoss(reduction="sum", delta=2.0), PRED, TARGET)
show("SmoothL1", nn.SmoothL1Loss(), PRED, TARGET)
show("SmoothL1 beta=0.5", nn.SmoothL1Loss(beta=0.5), PRED, TARGET)
show("BCE logits", nn.BCEWithLogitsLoss(), PRED, LABEL)
show("BCE logits pos_weight", nn.BCEWithLogitsLoss(pos_weight=[3.0]), PRED, LABEL)
show("BCE logits sum", nn.BCEWithLogitsLoss(reduction="sum"), PRED, LABEL)
show("BCE logits soft labels", nn.BCEWithLogitsLoss(), PRED, [0.9, 0.1, 0.5, 0.3])
show("BCE", nn.BCELoss(), [0.9, 0.2, 0.6, 0.4], LABEL)
show("BCE none", nn.BCELoss(reduction="none"), [0.9, 0.2, 0.6, 0.4], LABEL)
show("soft margin", lambda p, t: mean([softplus(-a * b) for a, b in zip(p, t)]), PRED, [1.0, -1.0, 1.0, -1.0])
show("CE", nn.CrossEntropyLoss(), LOGITS, CLASSES)
show("CE sum", nn.CrossEntropyLoss(reduction="sum"), LOGITS, CLASSES)
show("CE none", nn.CrossEntropyLoss(reduction="none"), LOGITS, CLASSES)
show("CE weight", nn.CrossEntropyLoss(weight=[1.0, 2.0, 0.5]), LOGITS, CLASSES)
show("CE smoothing", nn.CrossEntropyLoss(label_smoothing=0.2), LOGITS, CLASSES)
show("CE weight+smoothing", nn.CrossEntropyLoss(weight=[1.0, 2.0, 0.5], label_smoothing=0.1), LOGITS, CLASSES)
show("CE ignore 2", nn.CrossEntropyLoss(ignore_index=2), LOGITS, CLASSES)
show("CE probabilities", nn.CrossEntropyLoss(), LOGITS, [[0.7, 0.2, 0.1], [0.0, 0.5, 0.5], [1.0, 0.0, 0.0]])
show("CE one example", nn.CrossEntropyLoss(), LOGITS[0], 2)
show("log-softmax + NLL", lambda p, t: nn.NLLLoss()(nn.LogSoftmax(dim=1)(p), t), LOGITS, CLASSES)
show("multi margin", lambda p, t: nn.multiclass_hinge(p, t) / 3, LOGITS, CLASSES)

# far out on either side nothing overflows
show("BCE logits far", nn.BCEWithLogitsLoss(), [80.0, -80.0, 800.0], [0.0, 1.0, 1.0])
show("CE far", nn.CrossEntropyLoss(), [[1000.0, 0.0], [-1000.0, 1000.0]], [0, 1])

# a mixture, as in a training step
a = [Value(v) for v in PRED]
total = 0.7 * nn.MSELoss()(a, TARGET) + 0.3 * nn.L1Loss()(a, [0.0] * 4) + 1e-2 * sum(v ** 2 for v in a)
total.backward()
print("mixture", f"{total:.6f}", [f"{v.grad:.6f}" for v in a])
