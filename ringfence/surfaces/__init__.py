"""Pure presentation of the catalogue and of statuses; never knows a feature by name."""
