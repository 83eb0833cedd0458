"""Measurements that stand in `docs/results.md`: what is compared, and how often; nothing of it runs in a prediction."""
