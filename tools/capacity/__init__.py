"""What a number of requests a second needs; see docs/capacity.md."""
