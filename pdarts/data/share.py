"""Which images of a batch a process takes, where several share every batch."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Share:
    """What one of several processes takes: neighbouring images, as many as the others take, give or take one."""

    process: int
    """Number of the process, from 0."""
    processes: int
    """How many there are."""

    def of(self, images: int) -> slice:
        """Its places in a batch of so many images; none where there are fewer images than processes."""
        each, more = divmod(images, self.processes)
        start = self.process * each + min(self.process, more)
        return slice(start, start + each + (self.process < more))


WHOLE = Share(0, 1)
"""That of a process alone."""
