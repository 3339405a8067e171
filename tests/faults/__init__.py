"""The system while its processes die: nothing lost, nothing twice, nothing out of order."""
