"""`python -m simulation.gateways`: HTTP_PORT, SMTP_PORT and SINK_DIR from the environment; ends on SIGTERM."""

import asyncio
import signal

from aiohttp import web

from shared.web.signatures import read_secrets
from simulation.gateways.mail import MailServer
from simulation.gateways.receipts import Receipts
from simulation.gateways.settings import GatewaySettings
from simulation.gateways.sms import SmsGateway
from simulation.gateways.trouble import trouble_routes
from simulation.gateways.whatsapp import WhatsAppPlatform


async def main(settings: GatewaySettings) -> None:
    """Serves all ends until told to stop."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signal_number, stop.set)
    sms, mail = SmsGateway(settings.sink_dir), MailServer(settings.sink_dir)
    whatsapp = WhatsAppPlatform(settings.sink_dir)
    app = web.Application(client_max_size=1_048_576)
    ends = {"sms": sms.trouble, "smtp": mail.trouble, "whatsapp": whatsapp.trouble}
    app.add_routes([*sms.routes(), *whatsapp.routes(), *trouble_routes(ends)])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)  # whoever is silent is not waited for
    await runner.setup()
    await web.TCPSite(runner, settings.http_host, settings.http_port, reuse_address=True).start()
    server = await mail.serve(settings.http_host, settings.smtp_port)
    await _until_stopped(stop, settings, sms)
    server.close()
    await runner.cleanup()
    for end in (sms, mail, whatsapp):
        end.sink.close()


async def _until_stopped(stop: asyncio.Event, settings: GatewaySettings, sms: SmsGateway) -> None:
    """Tells receipts meanwhile, where it is known whom."""
    if settings.notifications_url and settings.receipts_secret_file:
        secret = read_secrets(settings.receipts_secret_file.read_text())[0]
        await Receipts(sms.sink.file, settings.notifications_url, secret).tell(stop)
    else:
        await stop.wait()


if __name__ == "__main__":
    asyncio.run(main(GatewaySettings()))
