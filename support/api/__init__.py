"""The REST API: thin doors to the same actions and queries as the desk."""
