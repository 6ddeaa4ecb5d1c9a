"""A server of mail for tests: what it takes stands as files in a folder, and how it behaves is read from a file for every mail.

Arguments: the folder. It holds, when it runs: `port`; `mails/N.eml`, each with the envelope as its first headers; `behaviour`, one of
accept, refuse, refuse-for-now, hang (takes the mail and never answers), drop (takes the mail and breaks the connection). A file
`password` makes it ask for the user `voordeur` with that password. Files `certificate.pem` and `key.pem` make it secure: when `tls` says
`starttls` a connection begins in the clear, when it says `tls` it is secure from the first byte.
"""

import asyncio
import pathlib
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

folder = pathlib.Path(sys.argv[1])
mails = folder / "mails"
mails.mkdir(exist_ok=True)


def behaviour():
    try:
        return (folder / "behaviour").read_text().strip()
    except FileNotFoundError:
        return "accept"


class Handler:
    def __init__(self):
        self.taken = len(list(mails.glob("*.eml")))

    def keep(self, envelope):
        self.taken += 1
        head = f"X-Envelope-From: {envelope.mail_from}\r\nX-Envelope-To: {','.join(envelope.rcpt_tos)}\r\n"
        filling = mails / f"{self.taken}.filling"
        filling.write_bytes(head.encode() + envelope.content)
        filling.rename(mails / f"{self.taken}.eml")

    async def handle_DATA(self, server, session, envelope):
        now = behaviour()
        if now == "refuse":
            return "550 5.1.1 no such mailbox of Noor here"
        if now == "refuse-for-now":
            return "451 4.7.1 greylisted, Noor"
        self.keep(envelope)
        if now == "hang":
            await asyncio.sleep(3600)
        if now == "drop":
            server.transport.abort()
        return "250 2.0.0 taken"


def authenticate(server, session, envelope, mechanism, data):
    wanted = (folder / "password").read_bytes().strip()
    fits = isinstance(data, LoginPassword) and (data.login, data.password) == (b"voordeur", wanted)
    return AuthResult(success=fits)


async def main():
    handler = Handler()
    secret = (folder / "password").exists()
    options = {"hostname": "test", "auth_required": secret, "auth_require_tls": False}
    if secret:
        options["authenticator"] = authenticate
    secure = (folder / "tls").read_text().strip() if (folder / "tls").exists() else "none"
    context = None
    if secure != "none":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "certificate.pem", folder / "key.pem")
    if secure == "starttls":
        options |= {"tls_context": context, "require_starttls": True}
    known = int((folder / "port").read_text()) if (folder / "port").exists() else 0
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(handler, **options), "127.0.0.1", known, ssl=context if secure == "tls" else None)
    port = server.sockets[0].getsockname()[1]
    filling = folder / "port.filling"
    filling.write_text(str(port))
    filling.rename(folder / "port")
    (folder / "ready").write_text("")
    await server.serve_forever()


asyncio.run(main())
