from __future__ import annotations

import pytest
from django.test import Client

from tests.factories import make_user


@pytest.fixture
def admin(client: Client) -> None:
    client.force_login(make_user("chefin", role="admin"))
