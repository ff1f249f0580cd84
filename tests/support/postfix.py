"""A real Postfix that takes mail for example.org into one Maildir.

Configuration, queue and mailbox are in one folder; the master and all its children are ours.
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

DAEMONS = Path("/usr/lib/postfix/sbin")
QUEUES = [
    *("active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "maildrop"),
    *("private", "public", "saved", "trace"),
]
MAIN = """\
compatibility_level = 3.6
maillog_file_prefixes = {root}
maillog_file = {root}/log
command_directory = /usr/sbin
daemon_directory = {daemons}
queue_directory = {root}/queue
data_directory = {root}/data
mail_owner = postfix
setgid_group = postdrop
myhostname = mail.example.org
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
alias_maps =
alias_database =
local_recipient_maps =
smtputf8_enable = yes
smtpd_tls_security_level = none
smtpd_relay_restrictions = permit_auth_destination, reject
default_transport = error:nothing leaves this machine
virtual_mailbox_domains = example.org
virtual_mailbox_base = {root}/mail
virtual_mailbox_maps = static:box/
virtual_minimum_uid = 1
virtual_uid_maps = static:{user}
virtual_gid_maps = static:{group}
"""
MASTER = """\
127.0.0.1:{port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
virtual unix - n n - - virtual
error unix - - n - - error
retry unix - - n - - error
anvil unix - - n - 1 anvil
proxymap unix - - n - - proxymap
postlog unix-dgram n - n - 1 postlogd
"""


@dataclass(frozen=True)
class Postfix:
    """A running server."""

    root: Path
    port: int

    @property
    def url(self) -> str:
        """`smtp_url` for it."""
        return f"smtp://127.0.0.1:{self.port}?tls=none"

    def delivered(self, count: int, seconds: float = 20) -> list[bytes]:
        """The messages in the mailbox as they lie there, once there are so many."""
        end = time.monotonic() + seconds
        while len(found := sorted((self.root / "mail/box/new").glob("*"))) < count:
            assert time.monotonic() < end, (self.root / "log").read_text()
            time.sleep(0.05)
        return [path.read_bytes() for path in found]


def missing() -> str:
    """Why it cannot run here; "" when it can."""
    if not (DAEMONS / "master").exists():
        return "Postfix is not installed"
    return "" if os.geteuid() == 0 else "Postfix starts as root only"


@contextmanager
def postfix() -> Iterator[Postfix]:
    """Start it on a free port of loopback; nothing of it is left afterwards."""
    root = Path(tempfile.mkdtemp(prefix="postfix-"))  # pytest's folders are closed to the users that Postfix becomes
    try:
        server = _configured(root)
        master = subprocess.Popen([DAEMONS / "master", "-c", root / "conf", "-d"], cwd=root, start_new_session=True)
        try:
            _wait_for(server.port, root / "log")
            yield server
        finally:
            master.terminate()  # it ends its children
            master.wait(20)
    finally:
        shutil.rmtree(root)


def _configured(root: Path) -> Postfix:
    user = pwd.getpwnam("nobody")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    owner = pwd.getpwnam("postfix").pw_uid
    root.chmod(0o755)
    for name in ("conf", "queue", "queue/pid"):
        (root / name).mkdir()
    for name in ("data", *(f"queue/{name}" for name in QUEUES)):
        (root / name).mkdir(mode=0o700)
        os.chown(root / name, owner, -1)
    (root / "mail").mkdir()
    os.chown(root / "mail", user.pw_uid, user.pw_gid)
    values = {"root": root, "daemons": DAEMONS, "user": user.pw_uid, "group": user.pw_gid, "port": port}
    (root / "conf/main.cf").write_text(MAIN.format(**values))
    (root / "conf/master.cf").write_text(MASTER.format(**values))
    return Postfix(root, port)


def _wait_for(port: int, log: Path, seconds: float = 15) -> None:
    end = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            assert time.monotonic() < end, log.read_text() if log.exists() else "no log"
            time.sleep(0.05)
        else:
            return
