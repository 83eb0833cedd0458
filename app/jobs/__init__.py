"""Long work off the GUI thread: lanes of one thread each, and child processes."""
