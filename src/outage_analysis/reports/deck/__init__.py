"""The PowerPoint deck: five slides with native charts and speaker notes."""
