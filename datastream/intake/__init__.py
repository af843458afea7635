"""Where a lane's records come from: an API that is read window by window, or a buffer into which senders post.

Both yield claims, and are told when one is committed. Here sources and buffers meet the values of the story.
"""

from datastream.intake.contract import Intake

__all__ = ["Intake"]
