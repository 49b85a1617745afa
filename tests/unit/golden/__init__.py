"""Bytes of every format version ever released; a reader of today must read them all."""
