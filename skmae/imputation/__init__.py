"""Filling missing values."""
