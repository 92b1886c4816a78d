"""Policies that learn from closed leads."""
