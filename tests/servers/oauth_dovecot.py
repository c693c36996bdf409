"""A Dovecot that asks the authorisation server about every access token."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.servers.certificates import Certificate
from tests.servers.dovecot import PASSWORD, Dovecot, run_dovecot
from tests.servers.oauth import AuthorizationServer
from tests.servers.processes import give_to_server, server_directory

_PASSDB = """
passdb {{
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = {file}
}}
passdb {{
  driver = static
  mechanisms = plain login
  args = password={password}
}}
"""
_INTROSPECTION = """
introspection_mode = post
introspection_url = {url}/introspect
force_introspection = yes
active_attribute = active
active_value = true
username_attribute = email
tls_ca_cert_file = {ca_file}
"""


@contextmanager
def run_oauth_dovecot(
    certificate: Certificate, ca_file: Path, authorization: AuthorizationServer
) -> Iterator[Dovecot]:
    """A started server: any user, the one password, or a token of that person."""
    with server_directory("oauth2") as directory:
        file = directory / "oauth2.conf.ext"
        file.write_text(_INTROSPECTION.format(url=authorization.base_url, ca_file=ca_file))
        give_to_server(file)
        with run_dovecot(
            certificate, ca_file, passdbs=_PASSDB.format(file=file, password=PASSWORD)
        ) as server:
            yield server
