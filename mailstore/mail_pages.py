"""What everybody who shows a stored message shows alike: its body in a frame, its pictures, its header lines.

The check of rights belongs to the caller.
"""

from __future__ import annotations

import logging

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.http import urlencode

from company.models import CompanySettings
from mailstore.download import picture_response
from mailstore.models import StoredAttachment, StoredMessage
from mailstore.proxy import PictureRefused, fetch_signed, sign_address
from mailstore.view import Header, mail_frame_response, read_headers, render_body

log = logging.getLogger(__name__)


def frame_response(
    request: HttpRequest,
    mail: StoredMessage,
    *,
    preview: str,
    picture: str,
    keys: tuple[object, ...],
) -> HttpResponse:
    """The body, for its frame; `?bilder=1` fetches remote pictures through the proxy.

    `preview`, `picture`: the views of the caller that show a file and a remote picture; both take `keys`.
    """
    wants_pictures = "bilder" in request.GET or not CompanySettings.load().block_external_content

    def cid_url(attachment: StoredAttachment) -> str:
        return reverse(preview, args=[*keys, attachment.pk])

    def remote_url(address: str) -> str:
        return f"{reverse(picture, args=keys)}?{urlencode({'u': sign_address(address)})}"

    body = render_body(mail, cid_url=cid_url, remote_url=remote_url if wants_pictures else None)
    return mail_frame_response(request, body, subject=mail.subject, show_remote="?bilder=1")


def remote_picture_response(request: HttpRequest) -> HttpResponse:
    """The remote picture whose signed address is `?u=`; 404 where it is refused."""
    try:
        found = fetch_signed(request.GET.get("u", ""))
    except PictureRefused as error:
        log.info("remote picture for %s refused: %s", request.path, error)
        raise Http404 from error
    return picture_response(found.content, found.content_type)


def header_lines(mail: StoredMessage) -> tuple[Header, ...]:
    """All of them; none where the original is no longer readable."""
    try:
        return read_headers(mail)
    except (FileNotFoundError, ValueError):
        return ()
