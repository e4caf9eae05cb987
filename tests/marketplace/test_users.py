"""Users: made by e-mail address, of one kind."""

from __future__ import annotations

import pytest

from marketplace.accounts import services
from marketplace.accounts.models import Kind

pytestmark = pytest.mark.django_db


def test_an_address_is_taken_whatever_its_capitals():
    services.user_create(email="lena@example.org", password="brass-kettle-92", kind=Kind.OWNER)
    with pytest.raises(services.EmailTaken):
        services.user_create(email="Lena@Example.org", password="brass-kettle-92", kind=Kind.OWNER)


def test_a_password_that_is_easy_to_guess_is_refused():
    with pytest.raises(services.PasswordTooWeak):
        services.user_create(email="lena@example.org", password="password12", kind=Kind.OWNER)
