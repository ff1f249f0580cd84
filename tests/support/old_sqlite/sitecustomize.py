"""On PYTHONPATH: veille runs as on a SQLite whose write-ahead log loses pages, so with a rollback journal."""

from veille.outbox import database

database.wal_is_safe = lambda version: False
