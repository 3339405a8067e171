"""What staff are shown in a browser, without any script: the worklist and a case's journey."""
