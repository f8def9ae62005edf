"""Codes of rows, features made of them, and rows made of long signals."""
