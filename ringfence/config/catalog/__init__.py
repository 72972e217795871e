"""The parameter catalogue: one module for each tab of the phone's web page, rows only."""
