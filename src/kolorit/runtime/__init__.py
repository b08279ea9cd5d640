"""The runtime: models and their cards, and the only door to onnxruntime."""
