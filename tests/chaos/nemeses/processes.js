// What befalls the programs themselves.

/** Any program, by its number among all of them. */
function anyProgram(random, { apis, gateways }) {
  const number = random.between(0, apis + gateways - 1);
  return number < apis ? `api-${number}` : `gateway-${number - apis}`;
}

const programOf = ({ servers }, { target }) => servers.programs.find(({ name }) => name === target);

export const kill = {
  name: 'kill',
  what: 'kill -9',
  holdMs: [500, 3_000],
  choose: (random, sizes) => ({ target: anyProgram(random, sizes) }),
  begin: (world, plan) => programOf(world, plan).kill(),
  end: (world, plan) => programOf(world, plan).start({ wait: false }), // how long it starts is a part of healing
};

export const restart = {
  name: 'restart',
  what: 'SIGTERM, and started again',
  holdMs: [0, 0],
  choose: kill.choose,
  begin: (world, plan) => programOf(world, plan).stop(),
  end: kill.end,
};

export const skew = {
  name: 'skew',
  what: 'a wall clock an hour ahead or behind, then right again',
  holdMs: [1_000, 6_000],
  choose: (random, sizes) => ({ ...kill.choose(random, sizes), wrong_s: random.pick([-3_600, 3_600]) }),
  begin: (world, plan) => programOf(world, plan).clock.set(plan.wrong_s),
  end: (world, plan) => programOf(world, plan).clock.set(0),
};

export const pause = {
  name: 'pause',
  what: 'SIGSTOP, then SIGCONT',
  holdMs: [1_000, 6_000],
  choose: kill.choose,
  begin: (world, plan) => programOf(world, plan).pause(),
  end: (world, plan) => programOf(world, plan).resume(),
};
