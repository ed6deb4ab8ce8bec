"""Search methods, a module each, which holds only its differences from DARTS of first order."""
