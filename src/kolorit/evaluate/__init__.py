"""The judge: what a colouring is worth, in numbers with intervals."""
