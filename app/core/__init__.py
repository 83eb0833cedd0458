"""The program without Qt, disk or threads: sessions, labels, patches, history, tools, display and review."""
