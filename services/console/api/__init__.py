"""HTTP in: what staff and operators ask of the worklist and of a case's journey."""
