"""For each notebook a module: the figures it prints, what its pictures show, right and wrong answers."""
