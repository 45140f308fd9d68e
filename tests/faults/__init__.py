"""What happens under load while the policy file changes, breaks, and workers come and go."""
