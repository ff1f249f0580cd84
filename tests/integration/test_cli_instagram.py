"""What a person sees of posts on Instagram: the first comment, words that cannot follow a change, a post taken down."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.graph_fake import graph_fake
from tests.support.workspace import newsroom

pytestmark = pytest.mark.soak
ONLY = ("--channel", "instagram")


def test_a_post_from_its_file_to_its_end(tmp_path: Path) -> None:
    with graph_fake() as fake:
        workspace = newsroom(tmp_path)
        media = tmp_path / "outbox/media"
        values = {"TRANSPORT": "graph", "API_URL": fake.url, "USER_ID": fake.ig_user_id, "READBACK": "0 s"}
        values |= {"ACCESS_TOKEN": fake.user_token, "MEDIA": "outbox/media"}
        values |= {"MEDIA_BASE_URL": fake.media_server_for(media)}
        workspace.env |= {f"VEILLE_INSTAGRAM__{key}": value for key, value in values.items()}
        post = tmp_path / "content/posts/soupe.md"
        text = post.read_text(encoding="utf-8")
        post.write_text(text.replace("---\n", "---\ninstagram: {comment: Le lien est en bio}\n", 1), encoding="utf-8")

        assert workspace.veille("publish", "--yes", *ONLY).code == 0
        workspace.veille("run", "--once")
        workspace.veille("run", "--once")
        assert len(fake.visible_media()) == 2
        assert [comment.message for comment in fake.comments()] == ["Le lien est en bio"]

        post.write_text(post.read_text(encoding="utf-8").replace("soupe chaude", "soupe froide"), encoding="utf-8")
        said = workspace.veille("publish", "--yes", *ONLY)
        assert "already left" in said.said
        workspace.veille("run", "--once")
        assert not any("soupe froide" in media.caption for media in fake.visible_media())

        assert workspace.veille("outbox", "cancel", "p1", "--public", "--yes").code == 0
        workspace.veille("run", "--once")
        assert len(fake.visible_media()) == 1
