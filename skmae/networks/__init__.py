"""torch modules with one interface: encode, decode, forward."""
