"""Peers for tests."""
