// What befalls the network: the bus between one gateway and one API, between all of them, or the way of clients to one program.

/** One link of the bus, or with equal chance all links of one gateway, or what clients dial. */
function somewhere(random, { apis, gateways }) {
  const gateway = random.between(0, gateways - 1);
  const api = random.between(0, apis - 1);
  const target = random.pick([`gateway-${gateway} to api-${api}`, `gateway-${gateway} to all`, `clients to gateway-${gateway}`, `clients to api-${api}`]);
  return { target, gateway, api };
}

function proxiesOf({ servers }, { target, gateway, api }) {
  if (target.startsWith('clients to gateway')) return [servers.gateways[gateway].cable];
  if (target.startsWith('clients to api')) return [servers.apis[api].cable];
  const { buses } = servers.gateways[gateway];
  return target.endsWith('all') ? buses.flat() : buses[api];
}

const wholeBus = ({ servers }) => servers.gateways.flatMap(({ buses }) => buses.flat());

/** `troubleOf(plan)`: see Way. */
function trouble({ name, what, holdMs, choose = somewhere, proxies = proxiesOf, troubleOf }) {
  return {
    name,
    what,
    holdMs,
    choose,
    begin: (world, plan) => proxies(world, plan).forEach((proxy) => proxy.worsen(troubleOf(plan))),
    end: (world, plan) => proxies(world, plan).forEach((proxy) => proxy.heal()),
  };
}

const onBus = { proxies: wholeBus, holdMs: [3_000, 8_000], choose: () => ({ target: 'the whole bus' }) };

export const cut = trouble({ name: 'cut', what: 'connections broken and refused', holdMs: [500, 5_000], troubleOf: () => ({ isCut: true }) });
export const silence = trouble({ name: 'half-open', what: 'connections stay, nothing passes', holdMs: [1_000, 5_000], troubleOf: () => ({ isSilent: true }) });
export const delay = trouble({
  name: 'delay',
  what: 'everything late by 50 to 1,500 ms',
  holdMs: [2_000, 6_000],
  choose: (random, sizes) => ({ ...somewhere(random, sizes), delayMs: random.between(50, 1_500) }),
  troubleOf: ({ delayMs }) => ({ delayMs }),
});
export const drop = trouble({ ...onBus, name: 'drop', what: '5 % of frames lost', troubleOf: () => ({ drop: 0.05 }) });
export const duplicate = trouble({ ...onBus, name: 'duplicate', what: '20 % of frames twice', troubleOf: () => ({ duplicate: 0.2 }) });
export const reorder = trouble({ ...onBus, name: 'reorder', what: '20 % of frames overtaken', troubleOf: () => ({ reorder: 0.2 }) });
