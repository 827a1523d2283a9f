"""Google's OAuth 2.0 for tests: credential files, and the tokens that they give (see google_calendar.py).

Source: https://developers.google.com/identity/protocols/oauth2, service accounts and installed apps.
"""

import base64
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

ACCOUNT = "robot@project.iam.example"
_AUDIENCE = "https://oauth2.googleapis.com/token"  # whatever address the token is asked for at
_ASSERTION = "urn:ietf:params:oauth:grant-type:jwt-bearer"


class InvalidGrant(Exception):
    """No token for that."""


class GoogleAccounts:
    """One service account and one installed app, whose users agree at once. `url` is the server's."""

    def __init__(self, url: str) -> None:
        self.given = 0  # tokens
        self.scopes: list[str] = []  # that were asked for, in order
        self._url = url
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._bearers: set[str] = set()

    def service_account_file(self, folder: Path) -> Path:
        """As Google's console gives it; its key is known here."""
        key = self._key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        content = {
            "type": "service_account",
            "project_id": "project",
            "private_key_id": "1",
            "private_key": key.decode(),
            "client_email": ACCOUNT,
            "client_id": "1",
            "token_uri": f"{self._url}/token",
        }
        return _written(folder / "service-account.json", content)

    def app_file(self, folder: Path) -> Path:
        """As Google's console gives it for an app of the type Desktop."""
        installed = {
            "client_id": "app",
            "client_secret": "app-secret",
            "auth_uri": f"{self._url}/auth",
            "token_uri": f"{self._url}/token",
            "redirect_uris": ["http://localhost"],
        }
        return _written(folder / "app.json", {"installed": installed})

    def token(self, form: Mapping[str, str]) -> dict[str, Any]:
        """The answer to a request for a token; InvalidGrant."""
        grant = form.get("grant_type", "")
        if grant == _ASSERTION:
            self._check_assertion(form.get("assertion", ""))
        elif (grant, form.get("code", form.get("refresh_token"))) not in (
            ("authorization_code", "agreed"),
            ("refresh_token", "refresh"),
        ):
            raise InvalidGrant
        self.given += 1
        self._bearers.add(f"bearer-{self.given}")
        answer = {"access_token": f"bearer-{self.given}", "expires_in": 3600, "token_type": "Bearer"}
        return {**answer, "refresh_token": "refresh"} if grant == "authorization_code" else answer

    def knows(self, authorization: str) -> bool:
        """Whether a request with this header may come in."""
        return authorization.removeprefix("Bearer ") in self._bearers

    def revoke(self) -> None:
        """No token that was given is good any more."""
        self._bearers.clear()

    def _check_assertion(self, assertion: str) -> None:
        signed, _, signature = assertion.rpartition(".")
        try:
            self._key.public_key().verify(_bytes(signature), signed.encode(), padding.PKCS1v15(), hashes.SHA256())
            claims = orjson.loads(_bytes(signed.partition(".")[2]))
        except (InvalidSignature, ValueError):
            raise InvalidGrant from None
        now = time.time()
        fine = claims["iss"] == ACCOUNT and claims["aud"] == _AUDIENCE
        if not fine or not claims["iat"] - 60 < now < claims["exp"] or claims["exp"] > now + 3700:
            raise InvalidGrant
        self.scopes.append(claims["scope"])


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _written(path: Path, content: Mapping[str, Any]) -> Path:
    path.write_bytes(orjson.dumps(content))
    return path
