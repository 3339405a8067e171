"""Pure decisions of the console: how far readers are behind, who owns what, one case's story."""
