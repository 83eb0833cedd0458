"""The command line: parse, call a controller, print. One file a group of verbs."""
