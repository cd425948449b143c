"""The endpoints, by subject, and the shapes of what they take and give."""
