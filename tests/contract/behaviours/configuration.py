"""Configuration."""

from tests.contract.behaviour import different, same
from tests.contract.behaviours.tokens import claims_of
from tests.contract.people import attributes_of, bearer, log_in, new_person, told, try_login
from tests.contract.settings import ALONE, BROWSERS, COOKIES, LIMITED, NAMED
from tests.contract.support import AUTH, SECRETS, Side


def healthy(side: Side) -> str:
    """What the health check says."""
    return str(side.get("/health").json()["status"])


def connected_as(side: Side, name: str) -> str:
    """What the health check says, and whether the database knows the application by that name."""
    status = healthy(side)
    statement = (
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE application_name = %s AND datname = current_database()"
    )
    [(count,)] = side.pair.query(statement, name)
    return f"{status}, {'and' if count else 'but not'} known as {name}"


@same("postgres://…?sslmode=prefer", "healthy", settings=LIMITED)
def heroku_url(side: Side) -> str:
    return healthy(side)


@same("postgresql+psycopg2://…?connect_timeout=5", "healthy", settings=COOKIES)
def psycopg2_url(side: Side) -> str:
    return healthy(side)


@same(
    "SQLALCHEMY_DATABASE_URI=postgresql+psycopg://…?application_name=…",
    "healthy, and known as named",
    settings=NAMED,
)
def psycopg_url(side: Side) -> str:
    return connected_as(side, "named")


@same(
    "postgresql+asyncpg://…?options=-c application_name=…",
    "healthy, and known as alone",
    settings=ALONE,
)
def options_url(side: Side) -> str:
    return connected_as(side, "alone")


@same("MAX_CONTENT_LENGTH", "2048 bytes 400, 2049 bytes 413", settings=NAMED)
def max_content_length(side: Side) -> str:
    headers = {"Content-Type": "application/json"}
    sizes = (2048, 2049)
    answers = [side.post(f"{AUTH}/login", content=b" " * size, headers=headers) for size in sizes]
    statuses = [answer.status_code for answer in answers]
    return ", ".join(f"{size} bytes {status}" for size, status in zip(sizes, statuses, strict=True))


@same(
    "JWT_ACCESS_TOKEN_EXPIRES and JWT_REFRESH_TOKEN_EXPIRES",
    "60 s, 3600 s; expires_in 60",
    settings=NAMED,
)
def lifetimes(side: Side) -> str:
    body = try_login(side, new_person(side.pair).email).json()
    claims = [read(body[f"{kind}_token"]) for kind in ("access", "refresh")]
    lives = [each["exp"] - each["iat"] for each in claims]
    return "{} s, {} s; expires_in {}".format(*lives, body["expires_in"])


def read(token: str) -> dict[str, int]:
    """The claims of a token for an audience."""
    return claims_of(token, audience="web")


@same(
    "JWT_ENCODE_ISSUER and JWT_ENCODE_AUDIENCE",
    "fresh, iat, jti, type, sub, nbf, csrf, aud, iss, exp: https://api.example.com, web",
    settings=NAMED,
)
def issuer_and_audience(side: Side) -> str:
    claims = read(log_in(side, new_person(side.pair)).access)
    return f"{', '.join(claims)}: {claims['iss']}, {claims['aud']}"


@same("JWT_DECODE_ISSUER and JWT_DECODE_AUDIENCE", "200 user, there, too", settings=NAMED)
def decoded(side: Side) -> str:
    headers = bearer(log_in(side, new_person(side.pair)).access)
    here, there = (told(each.get(f"{AUTH}/me", headers=headers)) for each in (side, side.other))
    return f"{here}, {'there, too' if here == there else f'but {there} there'}"


@same(
    "JWT_REFRESH_TOKEN_ROTATION=0",
    "200 tokens, 200 tokens, the old one stays",
    settings=NAMED,
)
def rotation(side: Side) -> str:
    token = log_in(side, new_person(side.pair)).refresh
    answers = [side.post(f"{AUTH}/refresh", headers=bearer(token)) for _ in range(2)]
    stays = {answer.json()["refresh_token"] for answer in answers} == {token}
    return f"{', '.join(map(told, answers))}, the old one {'stays' if stays else 'goes'}"


@same(
    "SESSION_COOKIE_SECURE, and FLASK_SESSION_COOKIE_SAMESITE",
    "HttpOnly, Path=/, SameSite=Strict, Secure",
    settings=NAMED,
)
def session_cookie(side: Side) -> str:
    answer = try_login(side, new_person(side.pair).email)
    return ", ".join(sorted(attributes_of(answer)["session"]))


@same("another SECRET_KEY", "the session cookie 401, the token 200")
def other_secret(side: Side) -> str:
    tokens = log_in(side, new_person(side.pair))
    with side.again(SECRET_KEY="0b5f6a0c9d8e7f6a5b4c3d2e1f0a9b8c") as again:
        headers = {"Cookie": f"session={tokens.cookies['session']}"}
        by_cookie = again.get(f"{AUTH}/me", headers=headers).status_code
        by_token = again.get(f"{AUTH}/me", headers=bearer(tokens.access)).status_code
    return f"the session cookie {by_cookie}, the token {by_token}"


@different(
    "no JWT_SECRET_KEY in production",
    flask="SECRET_KEY signs the tokens",
    here="does not start, and says why",
    because="who can forge a session cookie could forge tokens as well: each has its own key",
)
def no_jwt_secret(side: Side) -> str:
    variables = {**BROWSERS.variables, "JWT_SECRET_KEY": ""}
    if side.name == "here":
        refused = side.refused(**variables)
        assert (refused.returncode, "JWT_SECRET_KEY is not set" in refused.stderr) == (2, True)
        return "does not start, and says why"
    with side.again(**variables) as again:
        token = log_in(again, new_person(side.pair)).access
    claims_of(token, key=SECRETS["SECRET_KEY"])
    return "SECRET_KEY signs the tokens"


@same("APP_ENV in the place of FLASK_ENV", "production: a Secure session cookie", settings=BROWSERS)
def app_env(side: Side) -> str:
    answer = try_login(side, new_person(side.pair).email)
    secure = "Secure" in attributes_of(answer)["session"]
    return "production: a Secure session cookie" if secure else "not production"
