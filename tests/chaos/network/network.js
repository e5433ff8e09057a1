// All that lies between gateways and APIs, and between clients and both.
import { freePort, freePorts } from '../../flow/harness/ports.js';
import { Random } from '../random.js';
import { Proxy } from './proxy.js';

export class Network {
  /**
   * Puts itself between the planned programs of `servers`, which do not run yet: every gateway hears and asks each API through a
   * proxy of its own, and `url` and `origin`, where clients go, are proxies' from now on.
   */
  static async between(servers, seed) {
    const network = new Network(seed);
    for (const gateway of servers.gateways) await network.wireGateway(gateway);
    for (const api of servers.apis) await network.wireApi(api);
    return network;
  }

  constructor(seed) {
    this.seed = seed;
    this.proxies = [];
  }

  async wireGateway(gateway) {
    gateway.buses = [];
    for (const address of gateway.env.PARLEY_BUS_APIS.split(',')) gateway.buses.push(await this.wireBus(gateway.name, address));
    gateway.env.PARLEY_BUS_APIS = gateway.buses.map(([events]) => `tcp://127.0.0.1:${events.port}`).join(',');
    gateway.cable = await this.lay(gateway.name, { port: await freePort(), target: gateway.port });
    gateway.url = `ws://127.0.0.1:${gateway.cable.port}/connection/websocket`;
  }

  async wireApi(api) {
    api.cable = await this.lay(api.name, { port: await freePort(), target: api.port });
    api.origin = `http://127.0.0.1:${api.cable.port}`;
  }

  /** Events at one port, questions at the next: [proxy, proxy]. */
  async wireBus(name, address) {
    const target = Number(new URL(address).port);
    const [port] = await freePorts(2);
    return Promise.all([0, 1].map((i) => this.lay(`${name} ${i}`, { port: port + i, target: target + i, isBus: true })));
  }

  async lay(name, options) {
    const proxy = new Proxy({ ...options, random: new Random(this.seed, `${name} ${this.proxies.length}`) });
    await proxy.open();
    this.proxies.push(proxy);
    return proxy;
  }

  close() {
    for (const proxy of this.proxies) proxy.close();
  }
}
