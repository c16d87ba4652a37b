"""Alembic's environment and the schema's history, one file a change."""
