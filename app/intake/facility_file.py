"""Reading a facility file from disk."""

from pathlib import Path

from app.domain.errors import FacilityFault
from app.domain.facility import Facility
from app.domain.facility_file import parse_facility


def load_facility(path: Path) -> Facility:
    """Read a facility file. Raises FacilityFault."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise FacilityFault(
            f"the facility file cannot be read ({error.strerror or error})",
            where=str(path),
            remedy="Check the path and its permissions",
        ) from error
    except UnicodeDecodeError as error:
        raise FacilityFault(
            f"byte {error.start} is not UTF-8", where=str(path), remedy="Save the file as UTF-8"
        ) from None
    return parse_facility(text, where=str(path))
