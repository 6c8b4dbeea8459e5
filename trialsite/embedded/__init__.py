"""Real PostgreSQL and Redis-protocol servers from wheels, and the supervisor that runs them with web, worker and beat.

Nothing here knows Django or a trial: programs are started, watched and ended here,
and what prevents that is said in one sentence.
"""
