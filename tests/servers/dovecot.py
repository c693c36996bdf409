"""A private Dovecot: IMAP, IMAPS, LMTP, submission; any user name, one password, one access token."""

from __future__ import annotations

import contextlib
import smtplib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import imapclient

from mailcore.server import AuthMethod, Encryption, ServerLogin
from tests.servers.certificates import Certificate
from tests.servers.free_port import LOOPBACK, free_port, wait_for_port
from tests.servers.processes import running, server_directory, server_group, server_user
from tests.servers.requirements import require

PASSWORD = "geheim"
ACCESS_TOKEN = "access-token-1"

_PASSDBS = """
passdb {{
  driver = static
  mechanisms = xoauth2 oauthbearer
  args = password={token}
}}
passdb {{
  driver = static
  mechanisms = plain login
  args = password={password}
}}
"""

_CONFIG = """
base_dir = {directory}/run
state_dir = {directory}/state
log_path = {directory}/dovecot.log
default_login_user = {user}
default_internal_user = {user}
default_internal_group = {group}
listen = 127.0.0.1
protocols = imap lmtp submission
ssl = yes
ssl_cert = <{certificate.cert_file}
ssl_key = <{certificate.key_file}
disable_plaintext_auth = no
auth_mechanisms = plain login xoauth2 oauthbearer
auth_failure_delay = 0
auth_cache_size = 0
mail_location = maildir:{directory}/mail/%u
mail_uid = {user}
mail_gid = {group}
first_valid_uid = 1
first_valid_gid = 1
mail_max_userip_connections = 1000
mail_fsync = never
mailbox_list_index = yes
hostname = localhost
submission_relay_host = 127.0.0.1
submission_relay_port = {relay_port}
submission_relay_ssl = no
submission_max_mail_size = 30M
lmtp_save_to_detail_mailbox = no
recipient_delimiter =
{passdbs}
userdb {{
  driver = static
  args = uid={user} gid={group} home={directory}/mail/%u allow_all_users=yes
}}
namespace inbox {{
  inbox = yes
  separator = /
  mailbox Sent {{
    auto = create
    special_use = \\Sent
  }}
  mailbox Drafts {{
    auto = create
    special_use = \\Drafts
  }}
  mailbox Trash {{
    auto = create
    special_use = \\Trash
  }}
}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  chroot =
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {imap_port}
  }}
  inet_listener imaps {{
    port = {imaps_port}
    ssl = yes
  }}
}}
service submission-login {{
  chroot =
  inet_listener submission {{
    port = {submission_port}
  }}
  inet_listener submissions {{
    port = {submissions_port}
    ssl = yes
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    port = {lmtp_port}
  }}
}}
{extra}
"""


@dataclass(frozen=True, slots=True)
class Dovecot:
    """A running server. Mailboxes come into being at the first mail or login."""

    directory: Path
    ca_file: str
    imap_port: int
    imaps_port: int
    lmtp_port: int
    submission_port: int
    submissions_port: int
    relay_port: int  # where submission hands its mail on: start an SMTP sink there

    def imap_login(
        self,
        user: str,
        *,
        encryption: Encryption = Encryption.SSL,
        auth: AuthMethod = AuthMethod.PASSWORD,
        timeout: float = 10,
    ) -> ServerLogin:
        port = self.imaps_port if encryption is Encryption.SSL else self.imap_port
        return self._login(user, port, encryption, auth, timeout)

    def smtp_login(
        self,
        user: str,
        *,
        encryption: Encryption = Encryption.STARTTLS,
        auth: AuthMethod = AuthMethod.PASSWORD,
        timeout: float = 10,
    ) -> ServerLogin:
        port = self.submissions_port if encryption is Encryption.SSL else self.submission_port
        return self._login(user, port, encryption, auth, timeout)

    def _login(
        self, user: str, port: int, encryption: Encryption, auth: AuthMethod, timeout: float
    ) -> ServerLogin:
        return ServerLogin(
            host="localhost" if encryption is not Encryption.NONE else LOOPBACK,
            port=port,
            encryption=encryption,
            username=user,
            password=PASSWORD,
            access_token=ACCESS_TOKEN,
            auth=auth,
            timeout=timeout,
            ca_file=self.ca_file,
        )

    def deliver(self, user: str, *raw: bytes, envelope_from: str = "kunde@example.com") -> None:
        """Delivers messages into the user's inbox by LMTP, one after the other."""
        with smtplib.LMTP(LOOPBACK, self.lmtp_port) as lmtp:
            for message in raw:
                lmtp.sendmail(envelope_from, [user], message)

    @contextmanager
    def client(self, user: str) -> Iterator[imapclient.IMAPClient]:
        """An independent IMAP client, as another program on the same mailbox."""
        with imapclient.IMAPClient(LOOPBACK, self.imap_port, ssl=False, timeout=10) as client:
            client.login(user, PASSWORD)
            yield client

    def append(self, user: str, folder: str, raw: Sequence[bytes]) -> None:
        """Puts messages into a folder, which is created if it is missing."""
        with self.client(user) as client:
            with contextlib.suppress(imapclient.exceptions.IMAPClientError):
                client.create_folder(folder)
            for message in raw:
                client.append(folder, message)

    def messages(self, user: str, folder: str = "INBOX") -> list[bytes]:
        """The raw messages of a folder in UID order; its flags stay as they are."""
        with self.client(user) as client:
            client.select_folder(folder, readonly=True)
            uids = client.search("ALL")
            found = client.fetch(uids, ["BODY.PEEK[]"])
            return [found[uid][b"BODY[]"] for uid in sorted(uids)]

    def flags(self, user: str, folder: str = "INBOX") -> list[frozenset[str]]:
        """The flags of each message in UID order, without \\Recent."""
        with self.client(user) as client:
            client.select_folder(folder, readonly=True)
            found = client.get_flags(client.search("ALL"))
            return [
                frozenset(flag.decode() for flag in found[uid]) - {"\\Recent"}
                for uid in sorted(found)
            ]

    def renumber(self, user: str, folder: str) -> None:
        """Gives the folder a new UIDVALIDITY and its messages new UIDs, as a restored server does."""
        raw = self.messages(user, folder)
        with self.client(user) as client:
            client.delete_folder(folder)
        self.append(user, folder, raw)


@contextmanager
def run_dovecot(
    certificate: Certificate, ca_file: Path, *, passdbs: str = "", extra: str = ""
) -> Iterator[Dovecot]:
    """A started server. `passdbs` replaces the password checks, `extra` is further configuration."""
    binary = require("dovecot")
    with server_directory("dovecot") as directory:
        server = Dovecot(directory, str(ca_file), *(free_port() for _ in range(6)))
        user, group = server_user(), server_group()
        default_passdbs = _PASSDBS.format(token=ACCESS_TOKEN, password=PASSWORD)
        ports = {
            name: getattr(server, name)
            for name in Dovecot.__dataclass_fields__
            if name.endswith("_port")
        }
        config = directory / "dovecot.conf"
        config.write_text(
            _CONFIG.format(
                directory=directory,
                certificate=certificate,
                user=user,
                group=group,
                passdbs=passdbs or default_passdbs,
                extra=extra,
                **ports,
            )
        )
        with running([binary, "-F", "-c", str(config)], log=directory / "output.log"):
            try:
                for name in ("imap_port", "imaps_port", "lmtp_port", "submission_port"):
                    wait_for_port(ports[name])
            except TimeoutError as error:
                logs = [p.read_text("utf-8", "replace") for p in directory.glob("*.log")]
                raise RuntimeError("\n".join(logs)) from error
            yield server
