"""No secret that a client sends or gets, and none of the operator's, is ever in the log."""

from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import httpx

from service.config import DEVELOPMENT_JWT_SECRET, DEVELOPMENT_SECRET
from tests.service import web
from tests.service.auth.credentials import BASE, ME, claims_of, cookies_set, flask_token
from tests.service.support import Service
from tests.support import execute


class Everything:
    """Somebody who does all there is to do, right and wrong, and notes what must stay secret."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.http = web.client(base_url=service.url)
        self.secrets: set[str] = set()
        self.email = f"{uuid4().hex}@example.com"
        self.password = self.noted("pass-" + uuid4().hex)

    def noted(self, secret: str) -> str:
        self.secrets.add(secret)
        return secret

    def post(self, action: str, token: str = "", **options: object) -> httpx.Response:
        sent = {"Authorization": f"Bearer {self.noted(token)}"} if token else {}
        sent["Idempotency-Key"] = self.noted("key-" + uuid4().hex)
        answer = self.http.post(f"{BASE}/{action}", headers=sent, **options)  # type: ignore[arg-type]
        for cookie in cookies_set(answer).values():
            self.noted(cookie["value"])
        if answer.is_success and answer.content and "access_token" in answer.json():
            for name in ("access_token", "refresh_token"):
                token = answer.json()[name]
                self.noted(token)
                self.noted(claims_of(token)["jti"])
                self.noted(claims_of(token)["csrf"])
        return answer

    def credentials(self) -> dict[str, str]:
        return {"email": self.email, "password": self.password}

    def do_it_all(self) -> None:
        user_id = self.post("register", json=self.credentials()).json()["id"]
        pair = self.post("login", json=self.credentials()).json()
        self.http.get(ME)
        self.post("login", json=self.credentials() | {"password": self.noted("wr0ng-password")})
        self.post("login", content=self.noted("this-is-no-json").encode())
        self.post("login", json={self.noted("a-field-in-the-wrong-place"): 1})
        self.post("refresh", pair["refresh_token"])
        self.post("refresh", pair["refresh_token"])
        pair = self.post("login", json=self.credentials()).json()
        for token in (
            flask_token(user_id, exp=1),
            "not.a.t0ken-at-all",
            "two parts-0f-it",
            pair["refresh_token"],
        ):
            self.http.get(ME, headers={"Authorization": f"Bearer {self.noted(token)}"})
        self.http.get(ME, headers={"Cookie": f"session={self.noted('f0rged-session')}"})
        self.http.get(ME, headers={"X-CSRF-TOKEN": self.noted("a-csrf-token")})
        self.http.get(f"/health?token={self.noted('in-the-query')}")
        new = self.noted("new-" + uuid4().hex)
        body = {"current_password": self.password, "new_password": new}
        pair = self.post("password", pair["access_token"], json=body).json()
        self.post("logout", pair["access_token"])
        # And once more with a database in which nothing is where it should be.
        execute(self.service.environ["DATABASE_URL"], "ALTER TABLE users RENAME TO gone")
        assert self.post("login", json=self.credentials()).status_code == 500
        assert self.post("register", json=self.credentials()).status_code == 500
        token = pair["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        assert self.http.get(ME, headers=headers).status_code == 500
        self.http.close()


def test_log_of_everything(own_service: Callable[..., Service], tmp_path: Path) -> None:
    file = tmp_path / "service.jsonl"
    service = own_service(
        LOG_LEVEL="debug",
        LOG_FILE=str(file),
        JWT_TOKEN_LOCATION="headers,cookies",
    )
    everything = Everything(service)
    everything.do_it_all()
    assert service.stop() == 0
    written = service.log.read_text() + file.read_text()
    # It was written down, and what must be is there.
    assert written.count('"event":"unhandled exception"') == 6
    assert written.count("refresh token used again") == 2
    kept = everything.secrets - {""}
    assert len(kept) > 30
    others = {DEVELOPMENT_SECRET, DEVELOPMENT_JWT_SECRET, everything.email}
    for secret in kept | others:
        assert secret not in written
        # Nor a token's signature on its own.
        assert secret.rpartition(".")[2] not in written
    for word in ("scrypt:", "Bearer ey"):
        assert word not in written
