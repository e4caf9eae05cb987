"""Pages of a home's owner. Each view loads, calls one service, shows; ``access`` says who may see them."""
