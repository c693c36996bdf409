from __future__ import annotations

import pytest
from django.test import Client

from tests.documents.sending import Office, make_office


@pytest.fixture
def office() -> Office:
    return make_office()


@pytest.fixture
def staff(client: Client, office: Office) -> Client:
    """The browser of the office's employee."""
    client.force_login(office.user)
    return client
