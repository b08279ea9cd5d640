"""What colouring teaches: pretexts, frozen features, probes, and the studies that compare them."""
