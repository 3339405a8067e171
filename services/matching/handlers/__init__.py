"""What matching does when others speak; every handler loads, decides, saves and emits."""
