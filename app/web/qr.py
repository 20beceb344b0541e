"""A QR code as an image that a page holds itself."""

import segno


def qr_image(text: str) -> str:
    """A data URI (SVG)."""
    return str(
        segno.make(text, micro=False).svg_data_uri(scale=4, border=2, dark="#000", light="#fff")
    )
