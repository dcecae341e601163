"""The questions of notebook 5."""

from __future__ import annotations

from microgradnn.course.questions import Question

QUESTIONS: dict[str, Question] = {}
