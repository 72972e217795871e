"""The machine that turns plans into effects."""
