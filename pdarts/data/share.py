"""Divides every batch among processes."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Share:
    """The consecutive images of a batch that one process takes; sizes of shares differ by at most one."""

    process: int
    """Number of the process, from 0."""
    processes: int
    """Number of processes."""

    def of(self, images: int) -> slice:
        """Indices of the share in a batch of so many images; none where there are fewer images than processes."""
        each, more = divmod(images, self.processes)
        start = self.process * each + min(self.process, more)
        return slice(start, start + each + (self.process < more))


WHOLE = Share(0, 1)
"""The share of a process that computes alone: the whole batch."""
