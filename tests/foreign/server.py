"""aiohttp's server: files below a folder, and /echo. server.py PLAIN_PORT TLS_PORT FILES CERTIFICATE KEY"""
import asyncio
import ssl
import sys

from aiohttp import web


async def echo(request):
    response = web.StreamResponse()
    await response.prepare(request)
    async for piece in request.content.iter_any():
        await response.write(piece)
    await response.write_eof()
    return response


async def main():
    plain, tls, files, certificate, key = sys.argv[1:]
    app = web.Application(client_max_size=1 << 30)
    app.router.add_route("*", "/echo", echo)
    app.router.add_static("/", files)
    runner = web.AppRunner(app, auto_decompress=False)
    await runner.setup()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    await web.TCPSite(runner, "127.0.0.1", int(plain)).start()
    await web.TCPSite(runner, "127.0.0.1", int(tls), ssl_context=context).start()
    await asyncio.Event().wait()

asyncio.run(main())
