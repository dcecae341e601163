"""The questions of notebook 7, descent."""

from __future__ import annotations

import math

from microgradnn import optim
from microgradnn.course.questions import Choice, Formula, Number, Numbers, Question

QUESTIONS: dict[str, Question] = {
    "07.predict-factor": Number(
        truth=-0.9,
        why="w − 0.95 · 2w = −0.9 w: it jumps over the bottom, to nearly the same height.",
        hint="The gradient is 2w. What is left of w when η times that is taken away?",
        slips=[
            (0.05, "the gradient of w² is 2w, not w."),
            (1.9, "that is what is taken away. What is left?"),
            (2.9, "the step goes against the gradient."),
            (-1.9, "that is the step, in w. What is left of w after it?"),
        ],
    ),
    "07.predict-ravine": Number(
        truth=2 / 50,
        why="the steepest direction decides: 2 / 50.",
        hint="The limit is 2/c. Which of the two directions reaches it first?",
        slips=[
            (2, "that is the limit of the flat direction. The steep one runs away much sooner."),
            (2 / 51, "the two directions do not add up: each has its own factor."),
            (1 / 50, "with that rate the steep direction arrives in one step. When does it run away?"),
        ],
    ),
    "07.predict-saddle": Choice(
        right="a",
        wrong={
            "b": "momentum adds up what always points the same way, and so gathers speed.",
            "c": "Adam divides by the size of the gradient, so that a tiny one counts as much as a large one.",
        },
        words={"sgd": "a", "momentum": "b", "adam": "c"},
        why="its step is as small as the gradient, and on the ridge that is tiny.",
        hint="Which one's step is as small as the gradient?",
    ),
    "07.predict-adam": Number(
        truth=math.sqrt(10),
        digits=2,
        why="0.1 g / √(0.001 g²), three times too far.",
        hint="M is 0.1 g, V is 0.001 g². What is M / √V?",
        slips=[
            (1, "that is Adam with the correction."),
            (100, "V stands under a root."),
            (0.1, "that is M / g; it is still divided by √V."),
            (math.sqrt(0.001), "that is √V / g. M is divided by it."),
            (0.9 / math.sqrt(0.999), "0.9 and 0.999 weigh the old means, which are 0. What weighs g?"),
        ],
    ),
    "07.predict-batch": Choice(
        right="a",
        wrong={
            "b": "these take 20 steps an epoch. Is there one that takes more?",
            "c": "the best gradient, but how many steps has it taken after three epochs?",
        },
        words={"1": "a", "20": "b", "400": "c"},
        why="1,200 steps with poor gradients bring more than three with good ones.",
        hint="How many steps does each take in three epochs?",
    ),
    "07.predict-forwards": Number(
        truth=2 * 910,
        why="two for each parameter, one to either side.",
        hint="Each parameter is moved alone. How often, and to which sides?",
        slips=[
            (910, "centred differences look to both sides."),
            (911, "that is for one-sided differences; centred ones look to both sides."),
            (2, "that is the price of a single parameter."),
        ],
    ),
    "07.predict-pull": Numbers(
        names=["L1", "L2"],
        truth=[-0.05, -0.015],
        why="L1 takes ηλ whatever w is; L2 takes this share of it.",
        hint="L1 takes ηλ, and L2 takes ηλ times w. Both towards 0.",
        slips=[
            ((0.25, 0.285), "these are the new weights. By how much has each changed?"),
            ((-0.5, -0.15), "the learning rate is missing."),
        ],
        slips_of={
            "L1": [(-0.015, "that is a share of w; L1 takes the same from every weight.")],
            "L2": [(-0.05, "that is a fixed amount; L2 takes a share of w.")],
        },
    ),
    "07.predict-thinned": Number(
        truth=-0.58,
        why="each input is there in half of them.",
        hint="In how many of the 256 is each of the eight inputs there?",
        slips=[
            (-1.16, "each input is missing in half of the thinned neurons."),
            (0, "the whole neuron is not 0 either. In how many of the 256 is each input there?"),
            (-1.16 / 256, "the mean is asked for; each input is there in half of them."),
        ],
    ),
    "07.predict-recipe": Choice(
        right="c",
        wrong={
            "a": "dropout cures overfitting. Does a network overfit that errs on its own examples?",
            "b": "L2 cures overfitting. Does a network overfit that errs on its own examples?",
        },
        words={"dropout": "a", "l2": "b", "activation": "c"},
        why="the training error is bad, so it is no overfitting.",
        hint="Which error comes first, and is it good enough?",
    ),
    "07.1": Number(
        truth=0.25,
        why="the factor is 1 − 8η, and at ¼ it is −1.",
        hint="By what does a step multiply w? When is that −1?",
        slips=[
            (0.125, "there it arrives in one step, with the factor 0. It runs away where the factor is −1."),
            (1, "that is the limit of w²; here the second derivative is 8."),
            (0.5, "the limit is 2/c, and c is the second derivative, 8."),
        ],
    ),
    "07.2": Number(
        truth=10,
        why="v = 0.9 v + 1 at v = 10.",
        hint="The velocity no longer changes when v = 0.9 v + 1.",
        slips=[
            (1.9, "that is the second step. It goes on growing."),
            (0.9, "the gradient adds 1 each time. When does v no longer change?"),
            (1, "that is the first step. What is added to it by what is remembered?"),
        ],
    ),
    "07.3": Formula(
        names=["epoch"],
        truth=lambda epoch: min((epoch + 1) / 5, optim.InverseTimeDecay(5)(epoch)),
        points=[(epoch,) for epoch in range(10)],
        why="the smaller of two schedules, one that climbs and one that falls.",
        hint="Two pieces: (epoch + 1) / 5 while that is below 1, then optim.InverseTimeDecay(5).",
        slips=[
            (lambda epoch: optim.InverseTimeDecay(5)(epoch), "the fall is right. Now let it climb before."),
            (lambda epoch: min((epoch + 1) / 5, 1), "the climb is right. Now let it fall from epoch 5 on."),
            (lambda epoch: (epoch + 1) / 5, "the climb is right, but it must end at 1."),
            (lambda epoch: min(epoch / 5, 1), "epochs are counted from 0, and the first factor is 0.2."),
        ],
    ),
}  # fmt: skip
