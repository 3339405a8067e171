"""The only SQL of partners, one module per topic."""
