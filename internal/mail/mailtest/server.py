# A mail server on a loopback port: STARTTLS and a login are required. Says its port, then each message as a line of JSON.
import asyncio, json, ssl, sys
from aiosmtpd.smtp import SMTP, AuthResult

cert, key, starttls = sys.argv[1], sys.argv[2], sys.argv[3] == "yes"
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(cert, key)

class Handler:
    async def handle_DATA(self, server, session, envelope):
        print(json.dumps({"from": envelope.mail_from, "to": envelope.rcpt_tos, "text": envelope.content.decode("utf-8", "replace")}), flush=True)
        return "250 taken"

def login(server, session, envelope, mechanism, data):
    return AuthResult(success=data.login == b"parvis" and data.password == b"secret", handled=False)

def smtp():
    if starttls:
        return SMTP(Handler(), hostname="mail.test", tls_context=context, require_starttls=True, auth_required=True, authenticator=login)
    return SMTP(Handler(), hostname="mail.test")

async def main():
    server = await asyncio.get_running_loop().create_server(smtp, "127.0.0.1", 0)
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
    await server.serve_forever()

asyncio.run(main())
