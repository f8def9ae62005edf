"""The net that trains every network, and what it reports."""
