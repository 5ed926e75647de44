"""Analysis: numbers from trials and simulations; no plotting."""
