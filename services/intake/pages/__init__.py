"""Our own first frontend: small pages in English and Urdu that ask, send and show, with no script needed.

Nothing that was answered is kept on the server before it is sent, or stands in an address: it travels in the forms.
"""

from services.intake.pages.frontend import Behind, open_frontend, open_renderer, serve_pages

__all__ = ["Behind", "open_frontend", "open_renderer", "serve_pages"]
