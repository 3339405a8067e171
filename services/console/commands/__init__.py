"""One module per topic: each parses its options, calls repository and gateways, and renders."""
