"""Temporal's own server and what runs on it. `go.mod` and `go.sum` say which server is built, to the byte."""
