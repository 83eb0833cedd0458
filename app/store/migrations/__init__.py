"""How `review.sqlite` came to its present tables, one Alembic revision at a time."""
