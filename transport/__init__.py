"""The trio connection."""
