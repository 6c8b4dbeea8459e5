"""Real server processes: PostgreSQL, the queue, and the supervisor with small stand-ins for web and worker."""
