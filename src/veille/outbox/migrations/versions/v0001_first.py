"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

BIGINT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make every table."""
    op.create_table(
        "rendition",
        sa.Column("digest", sa.Text, primary_key=True),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
        sa.Column("created_at", BIGINT, nullable=False),
        sqlite_strict=True,
    )
    op.create_table(
        "blob",
        sa.Column("digest", sa.Text, primary_key=True),
        sa.Column("content", sa.LargeBinary().with_variant(sa.BLOB(), "sqlite"), nullable=False),
        sqlite_strict=True,
    )
    op.create_table(
        "rendition_file",
        sa.Column("rendition", sa.Text, sa.ForeignKey("rendition.digest"), primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("media_type", sa.Text, nullable=False),
        sa.Column("blob", sa.Text, sa.ForeignKey("blob.digest"), nullable=False),
        sqlite_strict=True,
    )
    op.create_table(
        "publication",
        sa.Column("id", BIGINT, primary_key=True),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("occurrence", sa.Text, nullable=False, server_default=""),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("slug", sa.Text, nullable=False),
        sa.Column("body_hash", sa.Text, nullable=False),
        sa.Column("due_at", BIGINT, nullable=False),
        sa.Column("due_local", sa.Text, nullable=False),
        sa.Column("zone", sa.Text, nullable=False),
        sa.Column("first_queued_at", BIGINT, nullable=False),
        sa.Column("queued_at", BIGINT, nullable=False),
        sa.Column("expires_at", BIGINT),
        sa.Column("generation", sa.Integer, nullable=False, server_default="1"),
        sa.Column("rendition", sa.Text, sa.ForeignKey("rendition.digest"), nullable=False),
        sa.Column("started_at", BIGINT),
        sa.Column("hold", sa.Text, nullable=False, server_default=""),
        sa.Column("live", sa.Integer, nullable=False, server_default="0"),
        sa.Column("urgent", sa.Integer, nullable=False, server_default="0"),
        sa.Column("segments", sa.Text, nullable=False, server_default=""),
        sa.Column("contacts", sa.Text, nullable=False, server_default=""),
        sa.Column("paused", sa.Integer, nullable=False, server_default="0"),
        sa.Column("cancelled", sa.Integer, nullable=False, server_default="0"),
        sa.Column("withdrawn", sa.Integer, nullable=False, server_default="0"),
        sa.Column("audience_at", BIGINT),
        sa.Column("audience_id", BIGINT),
        sa.Column("cursor", BIGINT, nullable=False, server_default="0"),
        sa.Column("expanded_at", BIGINT),
        sa.Column("candidates", sa.Integer),
        sa.Column("answered", sa.Integer, nullable=False, server_default="0"),
        sa.Column("bounced", sa.Integer, nullable=False, server_default="0"),
        sa.Column("active_at", BIGINT),
        sa.UniqueConstraint("source", "channel", "occurrence"),
        sa.Index("publication_due", "channel", "due_at"),
        sqlite_strict=True,
    )
    op.create_table(
        "edition_post",
        sa.Column("publication_id", BIGINT, sa.ForeignKey("publication.id"), primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True),
        sa.Column("source", sa.Text, nullable=False, index=True),
        sa.Column("body_hash", sa.Text, nullable=False, server_default=""),
        sqlite_strict=True,
    )
    op.create_table(
        "delivery",
        sa.Column("id", BIGINT, primary_key=True),
        sa.Column("publication_id", BIGINT, sa.ForeignKey("publication.id"), nullable=False),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("target", sa.Text, nullable=False),
        sa.Column("lane", sa.Text, nullable=False, server_default=""),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("due_at", BIGINT, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False, server_default="0"),
        sa.Column("tries", sa.Integer, nullable=False, server_default="0"),
        sa.Column("owner", sa.Text),
        sa.Column("intent_at", BIGINT),
        sa.Column("first_at", BIGINT),
        sa.Column("message_id", sa.Text, nullable=False, server_default=""),
        sa.Column("checkpoint", sa.Text, nullable=False, server_default=""),
        sa.Column("unknowns", sa.Integer, nullable=False, server_default="0"),
        sa.Column("looks", sa.Integer, nullable=False, server_default="0"),
        sa.Column("blind", sa.Integer, nullable=False, server_default="0"),
        sa.Column("remote_id", sa.Text, nullable=False, server_default=""),
        sa.Column("url", sa.Text, nullable=False, server_default=""),
        sa.Column("last_code", sa.Text, nullable=False, server_default=""),
        sa.Column("last_error", sa.Text, nullable=False, server_default=""),
        sa.Column("sent_at", BIGINT),
        sa.Column("updated_at", BIGINT, nullable=False),
        sa.UniqueConstraint("publication_id", "target"),
        sa.CheckConstraint(
            "state IN ('ready', 'claimed', 'sending', 'unknown', 'scheduled', 'sent', 'failed', 'cancelled', 'held')",
            name="delivery_state",
        ),
        sa.Index("delivery_of", "publication_id", "state"),
        sa.Index(
            "delivery_ready",
            "publication_id",
            "lane",
            "due_at",
            sqlite_where=sa.text("state = 'ready'"),
            postgresql_where=sa.text("state = 'ready'"),
        ),
        sa.Index(
            "delivery_unknown",
            "channel",
            "due_at",
            sqlite_where=sa.text("state = 'unknown'"),
            postgresql_where=sa.text("state = 'unknown'"),
        ),
        sa.Index(
            "delivery_in_hand",
            "channel",
            sqlite_where=sa.text("state IN ('claimed', 'sending')"),
            postgresql_where=sa.text("state IN ('claimed', 'sending')"),
        ),
        sa.Index(
            "delivery_scheduled",
            "channel",
            "due_at",
            sqlite_where=sa.text("state = 'scheduled'"),
            postgresql_where=sa.text("state = 'scheduled'"),
        ),
        sqlite_strict=True,
    )
    op.create_table(
        "follow_up",
        sa.Column("delivery_id", BIGINT, sa.ForeignKey("delivery.id"), primary_key=True),
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("due_at", BIGINT),
        sa.Column("version", sa.Integer, nullable=False, server_default="1"),
        sa.Column("tries", sa.Integer, nullable=False, server_default="0"),
        sa.Column("begun_at", BIGINT),
        sa.Column("unknowns", sa.Integer, nullable=False, server_default="0"),
        sa.Column("last_code", sa.Text, nullable=False, server_default=""),
        sa.Column("last_error", sa.Text, nullable=False, server_default=""),
        sa.CheckConstraint("kind IN ('edit', 'comment', 'delete', 'replace')", name="follow_up_kind"),
        sqlite_strict=True,
    )
    op.create_table(
        "attempt_log",
        sa.Column("id", BIGINT, primary_key=True),
        sa.Column("delivery_id", BIGINT, sa.ForeignKey("delivery.id"), nullable=False, index=True),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("at", BIGINT, nullable=False),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("code", sa.Text, nullable=False, server_default=""),
        sa.Column("text", sa.Text, nullable=False, server_default=""),
        sa.Column("hint", sa.Text, nullable=False, server_default=""),
        sqlite_strict=True,
    )
    op.create_table(
        "channel",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("stopped_at", BIGINT),
        sa.Column("reason", sa.Text, nullable=False, server_default=""),
        sa.Column("hint", sa.Text, nullable=False, server_default=""),
        sa.Column("failures", sa.Integer, nullable=False, server_default="0"),
        sa.Column("rests_until", BIGINT),
        sqlite_strict=True,
    )
    op.create_table(
        "access",
        sa.Column("channel", sa.Text, primary_key=True),
        sa.Column("mark", sa.Text, nullable=False, server_default=""),
        sa.Column("tried_at", BIGINT, nullable=False),
        sa.Column("checked_at", BIGINT),
        sa.Column("valid", sa.Integer, nullable=False, server_default="1"),
        sa.Column("expires_at", BIGINT),
        sa.Column("data_access_expires_at", BIGINT),
        sa.Column("refreshed_at", BIGINT),
        sa.Column("problems", sa.Text, nullable=False, server_default=""),
        sa.Column("warned_days", sa.Integer),
        sa.Column("warned_at", BIGINT),
        sqlite_strict=True,
    )
    op.create_table(
        "subscriber",
        sa.Column("id", BIGINT, primary_key=True),
        sa.Column("email", sa.Text, nullable=False, unique=True),
        sa.Column("domain", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("language", sa.Text, nullable=False, server_default="fr"),
        sa.Column("towns", sa.Text, nullable=False, server_default=""),
        sa.Column("audience", sa.Text, nullable=False, server_default=""),
        sa.Column("text_only", sa.Integer, nullable=False, server_default="0"),
        sa.Column("age", sa.Text, nullable=False, server_default=""),
        sa.Column("consent_at", BIGINT, nullable=False),
        sa.Column("consent_how", sa.Text, nullable=False),
        sa.Column("consent_text", sa.Text, nullable=False, server_default=""),
        sa.Column("parental_consent", sa.Text, nullable=False, server_default=""),
        sa.Column("left_at", BIGINT),
        sa.CheckConstraint("state IN ('subscribed', 'unsubscribed', 'bounced', 'complained')", name="subscriber_state"),
        sqlite_strict=True,
        sqlite_autoincrement=True,
    )
    op.create_index("subscriber_choices", "subscriber", ["towns", "audience", "language", "text_only", "state"])
    op.create_table(
        "signup",
        sa.Column("id", BIGINT, primary_key=True),
        sa.Column("hash", sa.Text, nullable=False, unique=True),
        sa.Column("email", sa.Text, nullable=False, server_default=""),
        sa.Column("language", sa.Text, nullable=False, server_default="fr"),
        sa.Column("towns", sa.Text, nullable=False, server_default=""),
        sa.Column("audience", sa.Text, nullable=False, server_default=""),
        sa.Column("text_only", sa.Integer, nullable=False, server_default="0"),
        sa.Column("age", sa.Text, nullable=False, server_default=""),
        sa.Column("consent_text", sa.Text, nullable=False, server_default=""),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("asked_at", BIGINT, nullable=False),
        sa.Column("mailed_at", BIGINT),
        sa.Column("mails", sa.Integer, nullable=False, server_default="0"),
        sqlite_strict=True,
        sqlite_autoincrement=True,
    )
    op.create_index("signup_wanted", "signup", ["state", "asked_at"])
    op.create_table(
        "suppression",
        sa.Column("hash", sa.Text, primary_key=True),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("at", BIGINT, nullable=False),
        sqlite_strict=True,
    )
    op.create_table(
        "erasure",
        sa.Column("hash", sa.Text, primary_key=True),
        sa.Column("at", BIGINT, nullable=False),
        sqlite_strict=True,
    )
    op.create_table(
        "exclusion",
        sa.Column("publication_id", BIGINT, sa.ForeignKey("publication.id"), primary_key=True),
        sa.Column("reason", sa.Text, primary_key=True),
        sa.Column("readers", sa.Integer, nullable=False),
        sqlite_strict=True,
    )
    op.create_table(
        "bounce",
        sa.Column("id", BIGINT, primary_key=True),
        sa.Column("subscriber_id", BIGINT, nullable=False, index=True),
        sa.Column("delivery_id", BIGINT, index=True),
        sa.Column("at", BIGINT, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("code", sa.Text, nullable=False, server_default=""),
        sa.Column("text", sa.Text, nullable=False, server_default=""),
        sqlite_strict=True,
    )
    op.create_table(
        "audit",
        sa.Column("id", BIGINT, primary_key=True),
        sa.Column("at", BIGINT, nullable=False),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False, server_default=""),
        sa.Column("publication_id", BIGINT),
        sa.Column("who", sa.Text, nullable=False, server_default=""),
        sa.Column("account", sa.Text, nullable=False, server_default=""),
        sa.Column("digest", sa.Text, nullable=False, server_default=""),
        sa.Column("text", sa.Text, nullable=False, server_default=""),
        sqlite_strict=True,
    )
    op.create_index("audit_of", "audit", ["source", "event"])
    op.create_table(
        "alarm",
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("at", BIGINT, nullable=False),
        sqlite_strict=True,
    )
    op.create_table(
        "bucket",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("used_until", sa.Float().with_variant(sa.REAL(), "sqlite"), nullable=False),
        sqlite_strict=True,
    )
    _append_only()


def _append_only() -> None:
    """Nobody changes or deletes a line of `audit`, whatever program asks.

    SQLite deletes a row that REPLACE writes over without asking a trigger for it (recursive_triggers is off).
    """
    refusal = "audit lines are never changed"
    if op.get_bind().dialect.name == "sqlite":
        refuse = f"BEGIN SELECT RAISE(ABORT, '{refusal}'); END"
        known = "WHEN EXISTS (SELECT 1 FROM audit WHERE id = NEW.id)"
        op.execute(f"CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit {refuse}")
        op.execute(f"CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit {refuse}")
        op.execute(f"CREATE TRIGGER audit_no_replace BEFORE INSERT ON audit {known} {refuse}")
        return
    op.execute(
        "CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{refusal}'; END $$"
    )
    for name, event, each in (("change", "UPDATE OR DELETE", "ROW"), ("truncate", "TRUNCATE", "STATEMENT")):
        op.execute(
            f"CREATE TRIGGER audit_no_{name} BEFORE {event} ON audit FOR EACH {each} EXECUTE FUNCTION audit_refuse()"
        )
