"""Adapters: one module for each channel, and what they share."""
