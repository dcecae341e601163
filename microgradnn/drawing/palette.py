"""The colours of all pictures, on light and on dark: letters at 4.5:1 against the background, lines at 3:1.

Nothing is said by colour alone: value and gradient have their places, a weight below 0 and what is at work backward
have dashes.
"""

VALUE, GRADIENT = "#007a5a", "#b42318"  # green above the wire, red below it, on a light background
POSITIVE, NEGATIVE = "#0b6fb8", "#b84a00"  # weights by sign; the line is dashed too where they are negative
BLACK = "black", "#000000"  # as Graphviz writes what is to have the colour of the text
FAINTEST = 0.7  # the opacity below which the line of a weight would no longer be seen
FAINT = "#00000080"  # the wires of a leaf that is drawn again

LIGHT = {"value": VALUE, "gradient": GRADIENT, "positive": POSITIVE, "negative": NEGATIVE}
DARK = {"value": "#56d4a0", "gradient": "#ff8a7a", "positive": "#58b4f5", "negative": "#ffa24c"}
INK, PAPER = {"light": "#1f2328", "dark": "#e6edf3"}, {"light": "#ffffff", "dark": "#0d1117"}
ACCENT = {"light": "#0969da", "dark": "#4493f8"}  # of what is at work: slider, focus


def _variables(selector: str, roles: dict[str, str], accent: str) -> str:
    return f"{selector} {{ {' '.join(f'--{role}: {colour};' for role, colour in roles.items())} --accent: {accent} }}\n"


def variables() -> str:
    """The colours as variables of a style sheet, by the theme of the page around a piece; paper is light."""
    pieces = ":is(.microgradnn-stepper, .microgradnn-margin)"
    light, dark = _variables(pieces, LIGHT, ACCENT["light"]), _variables(f"{pieces}.dark", DARK, ACCENT["dark"])
    return light + dark + f"@media print {{ {light.replace(pieces, f'{pieces}.microgradnn-live')}}}\n"
