// What befalls PostgreSQL and Redis.
import { pause } from '../load/pause.js';

export const flush = {
  name: 'flush',
  what: 'FLUSHALL of Redis',
  holdMs: [0, 0],
  choose: () => ({ target: 'redis' }),
  begin: ({ servers }) => servers.redis.command('FLUSHALL'),
  end: () => {},
};

export const redisStop = {
  name: 'redis-stop',
  what: 'Redis ends, and starts again',
  holdMs: [1_000, 5_000],
  choose: () => ({ target: 'redis' }),
  begin: ({ servers }) => servers.redis.stop(),
  end: ({ servers }) => servers.redis.start(),
};

export const redisPause = {
  name: 'redis-pause',
  what: 'SIGSTOP of Redis, then SIGCONT',
  holdMs: [1_000, 5_000],
  choose: () => ({ target: 'redis' }),
  begin: ({ servers }) => servers.redis.pause(),
  end: ({ servers }) => servers.redis.resume(),
};

export const postgres = {
  name: 'postgres',
  what: 'PostgreSQL restarted',
  holdMs: [0, 2_000],
  choose: (random) => ({ target: `postgres, ${random.pick(['fast', 'immediate'])}` }),
  begin: ({ servers }, { target }) => servers.postgres.stop([target.split(', ')[1]]),
  end: ({ servers }) => servers.postgres.start(),
};

export const failover = {
  name: 'failover',
  what: 'the primary is gone, its synchronous standby takes over',
  holdMs: [0, 2_000],
  choose: () => ({ target: 'postgres' }),
  begin: ({ servers }) => servers.failOver((primary) => primary.stop(['immediate'])),
  end: () => {},
  after: ({ servers }) => servers.rejoin(),
};

const SOME_BACKENDS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'parley' AND random() < 0.5";

export const terminate = {
  name: 'terminate',
  what: 'half of the database connections ended, three times',
  holdMs: [0, 500],
  choose: () => ({ target: 'postgres' }),
  async begin({ servers }) {
    for (let i = 0; i < 3; i++) {
      await servers.sql(SOME_BACKENDS);
      await pause(300);
    }
  },
  end: () => {},
};
