"""HTTP of matching: profiles in, explanations out; every module parses, calls and renders."""
