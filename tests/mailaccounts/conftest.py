from __future__ import annotations

import pytest
from django.test import Client
from pytest_django import Settings

from tests.factories import make_user
from tests.mailaccounts.oauth_people import use_providers
from tests.servers.oauth import AuthorizationServer


@pytest.fixture
def admin(client: Client) -> None:
    client.force_login(make_user("chefin", role="admin"))


@pytest.fixture
def providers(authorization: AuthorizationServer, settings: Settings) -> None:
    """Google and Microsoft are the provider that the tests start."""
    use_providers(authorization, settings)
