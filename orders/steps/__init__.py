"""What the steps of the sagas do. Each returns, or raises as `calls` says."""
