"""The workspace on disk: cases and decisions in SQLite, label versions, predictions and journals as files."""
