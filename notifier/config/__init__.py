"""Environment and YAML files become each room's frozen settings; whatever is wrong is said with file, line and fix."""
