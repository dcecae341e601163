"""The questions of notebook 6."""

from __future__ import annotations

from microgradnn.course.questions import Question

QUESTIONS: dict[str, Question] = {}
