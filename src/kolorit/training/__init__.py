"""The workshop: networks, losses, data and the one loop that trains any colorizer."""
