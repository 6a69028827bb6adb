"""Logs: signed per-author chains inside one hash DAG per conversation; merge is set union."""
