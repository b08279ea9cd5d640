"""Every error of Kolorit, with its exit code, web status and remedy.

    KoloritError
      InputUnreadable      3  400   missing, forbidden, not a photograph, truncated
      OutputUnwritable     4  409   exists, read-only, disk full, name too long
      ModelUnavailable     5  503   model missing, altered, of another make
      DeviceUnavailable    6  503   device or extra not installed
      LimitExceeded        7  413   too many bytes, pixels, frames, too much memory
      AddressInUse         8  500   another program listens where the page should be
      ConfigInvalid        9  400   recipe or settings malformed
      HintsInvalid        10  422   hint file or colour malformed
      DataCorrupt         11  500   shard, index or checksum broken
      CheckpointRefused   12  400   altered checkpoint, or one of another network
      TrainingDiverged    14  500   the loss of a run is no longer a number
      Busy                15  503   more pictures wait than the server takes
        TooMany           16  429   more pictures of one client than it takes
      NotThere            17  404   no such picture or job on the server, or no longer
      KeyReused           18  422   an Idempotency-Key came with another request
      SomeInputsFailed     1  207   a batch ended and some of its pictures failed
      InternalError       70  500   a bug

Exit 2 is a wrong command line (click's own), 130 and 143 are signals. A message names the file,
the cause and the remedy: ``error: CAUSE (FILE)`` and ``hint: REMEDY``.
"""

from __future__ import annotations

import os


class KoloritError(Exception):
    """Anything that Kolorit refuses or fails to do.

    cause: what is wrong, in plain words. file: the file it is about, if any.
    remedy: what to do about it; without one the class's own advice is given.
    """

    exit_code = 70
    status = 500
    slug = "internal-error"
    remedy = "Please report this."

    def __init__(
        self,
        cause: str,
        *,
        file: str | os.PathLike[str] | None = None,
        remedy: str | None = None,
    ) -> None:
        super().__init__(cause)
        self.cause = cause
        self.file = None if file is None else os.fspath(file)
        if remedy is not None:
            self.remedy = remedy

    def __str__(self) -> str:
        return self.cause if self.file is None else f"{self.cause} ({self.file})"


class InputUnreadable(KoloritError):
    """The picture is missing, forbidden, truncated, or not a picture that Kolorit reads."""

    exit_code = 3
    status = 400
    slug = "input-unreadable"
    remedy = "Give a JPEG, PNG, TIFF, WebP, AVIF, BMP, GIF or JPEG 2000 photograph."


class OutputUnwritable(KoloritError):
    """The result cannot be written: it exists, the folder is read-only, the disk is full."""

    exit_code = 4
    status = 409
    slug = "output-unwritable"
    remedy = "Choose another place with -o, or free some space."


class ModelUnavailable(KoloritError):
    """The model or its card is missing, altered, or made for another version."""

    exit_code = 5
    status = 503
    slug = "model-unavailable"
    remedy = "Install Kolorit again, or name another model with --model."


class DeviceUnavailable(KoloritError):
    """The device or the extra that was asked for is not there."""

    exit_code = 6
    status = 503
    slug = "device-unavailable"
    remedy = "Use --device cpu, or see `kolorit doctor`."


class LimitExceeded(KoloritError):
    """The picture would need more bytes, pixels, frames or memory than allowed."""

    exit_code = 7
    status = 413
    slug = "limit-exceeded"
    remedy = "Make the picture smaller first."


class AddressInUse(KoloritError):
    """Another program listens at the address where the page should be."""

    exit_code = 8
    status = 500
    slug = "address-in-use"
    remedy = "Choose another port with --port, or let --port 0 find one."


class ConfigInvalid(KoloritError):
    """A recipe or a setting is malformed, unknown or out of range."""

    exit_code = 9
    status = 400
    slug = "config-invalid"
    remedy = "Correct the key that is named."


class HintsInvalid(KoloritError):
    """A hint file or one of its hints is malformed."""

    exit_code = 10
    status = 422
    slug = "hints-invalid"
    remedy = 'Hints look like {"version": 1, "hints": [{"x": 0.3, "y": 0.6, "colour": "#8a3324"}]}.'


class DataCorrupt(KoloritError):
    """Training data is broken or missing: a shard, an index, a checksum."""

    exit_code = 11
    status = 500
    slug = "data-corrupt"
    remedy = "Make the shards again, or take the broken one out."


class CheckpointRefused(KoloritError):
    """A checkpoint is altered, unsafe, or belongs to another network."""

    exit_code = 12
    status = 400
    slug = "checkpoint-refused"
    remedy = "Train with the recipe that made it, or start in a new folder."


class TrainingDiverged(KoloritError):
    """The loss of a training run is no longer a number; the state before is saved."""

    exit_code = 14
    status = 500
    slug = "training-diverged"
    remedy = "Go on with --resume and a smaller lr or clip."


class Busy(KoloritError):
    """The server has as much to do as it takes; retry_after is when to ask again, in seconds."""

    exit_code = 15
    status = 503
    slug = "busy"
    remedy = "Try again a little later."

    def __init__(
        self,
        cause: str,
        *,
        retry_after: int = 1,
        file: str | os.PathLike[str] | None = None,
        remedy: str | None = None,
    ) -> None:
        super().__init__(cause, file=file, remedy=remedy)
        self.retry_after = retry_after


class TooMany(Busy):
    """One client has as many pictures with the server as it may."""

    exit_code = 16
    status = 429
    slug = "too-many"
    remedy = "Wait until some of your pictures are done."


class NotThere(KoloritError):
    """The server has no picture or job of this name, or no longer."""

    exit_code = 17
    status = 404
    slug = "not-there"
    remedy = "Send the photograph again; results are kept for a while only."


class KeyReused(KoloritError):
    """An Idempotency-Key was used before, with another photograph or other options."""

    exit_code = 18
    status = 422
    slug = "key-reused"
    remedy = "Use a new key for every new request."


class SomeInputsFailed(KoloritError):
    """A batch ended, and some of its pictures failed; each has its own line in the report."""

    exit_code = 1
    status = 207
    slug = "some-inputs-failed"
    remedy = "See the lines above."


class InternalError(KoloritError):
    """A bug in Kolorit."""
