"""Who may log in. No name of a person or home is kept here: accounts know an e-mail address and a kind."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models
from django.utils import timezone


class Kind(models.TextChoices):
    OWNER = "owner", "Home owner"
    ENTERPRISE = "enterprise", "Enterprise"
    OPERATOR = "operator", "Operator"


class UserManager(BaseUserManager["User"]):
    """Makes users by e-mail address."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        if not email:
            raise ValueError("A user needs an e-mail address.")
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        return self.create_user(
            email, password, **{"kind": Kind.OPERATOR, "is_staff": True, "is_superuser": True, **fields}
        )

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email__iexact=username)


class User(AbstractBaseUser, PermissionsMixin):
    """One log-in. ``kind`` says which pages and endpoints are open to it, and never changes by itself."""

    hearth_db = "default"

    email = models.EmailField("e-mail address", unique=True)
    kind = models.CharField(max_length=16, choices=Kind.choices, default=Kind.OWNER)
    time_zone = models.CharField(max_length=64, blank=True, help_text="Empty: the browser's own.")
    is_staff = models.BooleanField("may open the console", default=False)
    is_active = models.BooleanField("may log in", default=True)
    date_joined = models.DateTimeField(default=timezone.now, editable=False)

    objects = UserManager()

    EMAIL_FIELD = "email"
    USERNAME_FIELD = "email"
    REQUIRED_FIELDS = []

    def __str__(self) -> str:
        return self.email

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        """An operator may do what the console offers; what it does not offer, its admin classes refuse."""
        return (self.is_active and self.is_operator) or super().has_perm(perm, obj)

    def has_module_perms(self, app_label: str) -> bool:
        return (self.is_active and self.is_operator) or super().has_module_perms(app_label)

    @property
    def is_owner(self) -> bool:
        return self.kind == Kind.OWNER

    @property
    def is_member(self) -> bool:
        return self.kind == Kind.ENTERPRISE

    @property
    def is_operator(self) -> bool:
        return self.kind == Kind.OPERATOR and self.is_staff


class ApiToken(models.Model):
    """A token for the REST API. Only its SHA-256 is kept; the token itself is shown once."""

    hearth_db = "default"

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_tokens")
    label = models.CharField(max_length=60)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    hint = models.CharField(max_length=12, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    last_used_at = models.DateTimeField(null=True, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-pk"]

    def __str__(self) -> str:
        return f"{self.label} ({self.hint}…)"
