"""Codes of rows, and features made of them."""
