"""What is trained: supernet and evaluation network."""
