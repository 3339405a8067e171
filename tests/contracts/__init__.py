"""The published language keeps its promises."""
