"""What crosses packages: stories of whole studies."""
