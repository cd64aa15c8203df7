"""The peer of the desk's lists: Django's own admin over as many orders, plain and tuned, in a process of its own."""
