"""Handing over: several servers in order, every failure told apart, envelopes nobody can smuggle anything into, DKIM."""

from __future__ import annotations

import ssl
import subprocess
from pathlib import Path
from typing import Any

import dkim
import pytest
import trustme
from aiosmtpd.smtp import AuthResult, LoginPassword

from tests.alerts.servers import MailBox, mail_server
from tests.daemon.world import free_port
from tracker.alerts.smtp import Session
from tracker.config import MailSettings
from tracker.errors import DeliveryError

MESSAGE = (
    b"From: t@example.org\r\nTo: a@example.org\r\nSubject: x\r\nMessage-ID: <1@example.org>\r\n\r\nbody\r\n.dot\r\n"
)


def settings(*boxes: MailBox, **more: Any) -> MailSettings:
    ports = [b.port for b in boxes]
    return MailSettings(
        host="127.0.0.1", port=ports[0], security="none", sender="t@example.org", timeout_s=5,
        fallback_hosts=tuple(f"127.0.0.1:{p}" for p in ports[1:]), **more,
    )  # fmt: skip


def hand_over(mail: MailSettings, recipient: str = "a@example.org", message: bytes = MESSAGE) -> str:
    with Session(mail) as session:
        return session.send(mail.sender, recipient, message)


def test_a_message_arrives_as_it_is_dots_and_all() -> None:
    with mail_server(MailBox()) as box:
        assert hand_over(settings(box)) == f"127.0.0.1:{box.port}"
    assert box.got == [("t@example.org", ["a@example.org"], MESSAGE)]


def test_bounces_go_where_the_configuration_says() -> None:
    with mail_server(MailBox()) as box:
        hand_over(settings(box, bounce_to="bounces@example.org"))
    assert box.got[0][0] == "bounces@example.org"


def test_a_server_that_is_down_is_passed_over() -> None:
    down = MailBox()
    down.port = free_port()
    with mail_server(MailBox()) as box:
        assert hand_over(settings(down, box)) == f"127.0.0.1:{box.port}"


@pytest.mark.parametrize("answers", [{"data": ["451 later"]}, {"rcpt": ["450 busy"]}, {"rcpt": ["421 closing"]}])
def test_what_a_server_surely_did_not_take_the_next_one_gets(answers: dict[str, list[str]]) -> None:
    with mail_server(MailBox(**answers)) as first, mail_server(MailBox()) as second:
        assert hand_over(settings(first, second)) == f"127.0.0.1:{second.port}"
    assert len(first.got) + len(second.got) == 1


def test_4xx_everywhere_is_worth_another_try_and_names_every_server() -> None:
    with (
        mail_server(MailBox(data=["451 full"])) as first,
        mail_server(MailBox(rcpt=["450 busy"])) as second,
        pytest.raises(DeliveryError) as caught,
    ):
        hand_over(settings(first, second))
    assert not caught.value.permanent
    assert "451 full" in str(caught.value)
    assert "450 busy" in str(caught.value)


@pytest.mark.parametrize("answers", [{"rcpt": ["550 no such user"]}, {"data": ["554 spam"]}])
def test_5xx_is_final_and_no_other_server_is_bothered(answers: dict[str, list[str]]) -> None:
    with (
        mail_server(MailBox(**answers)) as first,
        mail_server(MailBox()) as second,
        pytest.raises(DeliveryError) as caught,
    ):
        hand_over(settings(first, second))
    assert caught.value.permanent
    assert second.got == []


def test_when_nobody_knows_whether_it_was_taken_no_other_server_gets_it() -> None:
    with (
        mail_server(MailBox(data=["keep and break"])) as first,
        mail_server(MailBox()) as second,
        pytest.raises(DeliveryError) as caught,
    ):
        hand_over(settings(first, second))
    assert not caught.value.permanent
    assert (len(first.got), len(second.got)) == (1, 0)


def test_one_recipients_failure_is_not_the_next_ones() -> None:
    with mail_server(MailBox(rcpt=["550 no such user"])) as box, Session(settings(box)) as session:
        with pytest.raises(DeliveryError):
            session.send("t@example.org", "gone@example.org", MESSAGE)
        session.send("t@example.org", "here@example.org", MESSAGE)
    assert box.got[0][1] == ["here@example.org"]


def test_after_a_break_the_same_session_connects_anew() -> None:
    with mail_server(MailBox(data=["break"])) as box, Session(settings(box)) as session:
        with pytest.raises(DeliveryError):
            session.send("t@example.org", "a@example.org", MESSAGE)
        session.send("t@example.org", "a@example.org", MESSAGE)
    assert len(box.got) == 1


def test_a_message_over_the_servers_limit_is_not_even_begun() -> None:
    with mail_server(MailBox(), data_size_limit=1000) as box, pytest.raises(DeliveryError) as caught:
        hand_over(settings(box), message=MESSAGE + b"x" * 2000)
    assert caught.value.permanent
    assert "takes 1,000" in str(caught.value)


@pytest.mark.parametrize(
    "address",
    ["a@example.org\r\nRCPT TO:<b@example.org>", "a@example.org> SIZE=1", "a@example.org,b@example.org", "a b@example.org",
     "a@b@example.org", "nobody", "\u202ea@example.org", "a" * 250 + "@example.org"],
)  # fmt: skip
def test_an_address_that_smuggles_is_never_used(address: str) -> None:
    with mail_server(MailBox()) as box, pytest.raises(DeliveryError) as caught:
        hand_over(settings(box), address)
    assert caught.value.permanent
    assert box.got == []


def test_a_refused_login_is_a_matter_of_settings_and_names_them() -> None:
    with mail_server(MailBox(), auth_required=False) as box, pytest.raises(DeliveryError) as caught:
        hand_over(settings(box, username="u", password="p"))
    assert not caught.value.permanent


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes]:
    folder = tmp_path_factory.mktemp("dkim")
    private, public = folder / "private.pem", folder / "public.der"
    subprocess.run(["openssl", "genrsa", "-traditional", "-out", str(private), "2048"], check=True, capture_output=True)
    subprocess.run(
        ["openssl", "rsa", "-in", str(private), "-pubout", "-outform", "DER", "-out", str(public)],
        check=True,
        capture_output=True,
    )
    return private, public.read_bytes()


def test_a_dkim_signature_verifies_and_a_changed_subject_does_not(key: tuple[Path, bytes]) -> None:
    import base64

    private, public = key
    record = b"v=DKIM1; k=rsa; p=" + base64.b64encode(public)

    def zone(name: bytes, timeout: int = 5) -> bytes:
        assert name == b"mail._domainkey.example.org."
        return record

    with mail_server(MailBox()) as box:
        hand_over(settings(box, dkim_domain="example.org", dkim_selector="mail", dkim_key_file=private))
    (_, _, got) = box.got[0]
    assert dkim.verify(got, dnsfunc=zone)
    assert not dkim.verify(got.replace(b"Subject: x", b"Subject: y"), dnsfunc=zone)


def test_a_dkim_key_that_cannot_be_read_is_told_with_its_path(tmp_path: Path) -> None:
    mail = MailSettings(
        host="h", sender="t@example.org", dkim_domain="d", dkim_selector="s", dkim_key_file=tmp_path / "no.pem"
    )
    with pytest.raises(DeliveryError, match=r"no\.pem"):
        hand_over(mail)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ssl.SSLContext]:
    """An authority nobody but the test trusts, and a server's context under it."""
    made = trustme.CA()
    file = tmp_path_factory.mktemp("tls") / "ca.pem"
    made.cert_pem.write_to_path(str(file))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.issue_cert("127.0.0.1").configure_cert(context)
    return file, context


def test_a_fallback_server_is_spoken_to_in_its_own_way(authority: tuple[Path, ssl.SSLContext]) -> None:
    file, context = authority
    down = MailBox()
    down.port = free_port()
    login = {"authenticator": check_login, "auth_required": True, "auth_require_tls": False}
    with mail_server(MailBox(), ssl_context=context, **login) as box:
        spare = {
            "host": "127.0.0.1",
            "port": box.port,
            "security": "tls",
            "ca_file": file,
            "username": "ann",
            "password": "secret",
        }
        mail = MailSettings(
            host="127.0.0.1",
            port=down.port,
            security="none",
            timeout_s=5,
            sender="t@example.org",
            fallback_hosts=(spare,),
        )
        assert hand_over(mail) == f"127.0.0.1:{box.port}"
    assert len(box.got) == 1


def check_login(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
    good = isinstance(data, LoginPassword) and (data.login, data.password) == (b"ann", b"secret")
    return AuthResult(success=good, handled=False)


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_mail_goes_over_tls_with_a_login(security: str, authority: tuple[Path, ssl.SSLContext]) -> None:
    file, context = authority
    tls = {"tls_context": context, "require_starttls": True} if security == "starttls" else {"ssl_context": context}
    login = {"authenticator": check_login, "auth_required": True, "auth_require_tls": security == "starttls"}
    with mail_server(MailBox(), **tls, **login) as box:
        mail = settings(box, username="ann", password="secret", ca_file=file).model_copy(update={"security": security})
        hand_over(mail)
        with pytest.raises(DeliveryError, match="refuses the login") as caught:
            hand_over(mail.model_copy(update={"password": "guess"}))
        assert not caught.value.permanent
        with pytest.raises(DeliveryError, match="CERTIFICATE_VERIFY_FAILED"):
            hand_over(mail.model_copy(update={"ca_file": None}))
    assert len(box.got) == 1
