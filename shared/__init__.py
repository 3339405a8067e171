"""What every service may use: the published language (contracts) and mechanism without domain words."""
