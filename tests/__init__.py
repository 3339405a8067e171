"""The promises of the product, tier by tier."""
