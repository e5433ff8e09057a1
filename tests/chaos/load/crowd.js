import { exchange } from '../../flow/harness/http.js';
import { Person } from '../../flow/harness/person.js';
import { Random } from '../random.js';
import { Gate } from './gate.js';
import { Handset } from './handset.js';
import { Talker } from './talker.js';
import { Warden } from './warden.js';

/** How long somebody thinks before the next thing. */
const THINK_MS = [100, 500];

/**
 * All who use the servers: an owner of all rooms, a watcher pinned to each gateway, and talkers that wander among the gateways, of
 * whom each second one is sent away from one room again and again.
 */
export class Crowd {
  static async gather(servers, { history, seed, clients, rooms }) {
    const crowd = new Crowd(servers, history, seed);
    await crowd.makePeople(clients);
    await crowd.makeRooms(rooms);
    crowd.makeHandsets();
    await Promise.all(crowd.handsets.map((handset) => handset.open()));
    return crowd;
  }

  constructor(servers, history, seed) {
    Object.assign(this, { servers, history, seed });
    this.gate = new Gate();
    this.chat = { servers, devices: [] };
  }

  get followers() {
    return this.handsets.flatMap(({ followers }) => followers);
  }

  /** Those who sit on each gateway and stay there. */
  get watchers() {
    return this.handsets.slice(0, this.servers.gateways.length);
  }

  async makePeople(clients) {
    this.owner = await this.register('owner');
    this.watching = await Promise.all(this.servers.gateways.map((_, i) => this.register(`watcher${i}`)));
    this.talking = await Promise.all(Array.from({ length: clients }, (_, i) => this.register(`talker${i}`, i % this.servers.apis.length)));
  }

  async register(login, api = 0) {
    const body = { login, password: `correct horse ${login}`, name: login };
    const headers = { 'content-type': 'application/json' };
    const answer = await exchange(this.servers.apis[api].origin, 'POST', '/v1/users', { headers, body: JSON.stringify(body) });
    if (answer.status !== 201) throw new Error(`no account for ${login}: ${answer.status} ${answer.text}`);
    return new Person(this.chat, answer.body, api);
  }

  async makeRooms(count) {
    const members = [...this.watching, ...this.talking];
    this.rooms = [];
    for (let i = 0; i < count; i++) {
      const kind = i % 2 ? 'public' : 'private';
      const { id } = await this.owner.createRoom(`room ${i}`, { kind, members });
      this.rooms.push({ id, kind });
    }
  }

  makeHandsets() {
    const { rooms, history } = this;
    const count = this.servers.gateways.length;
    const watchers = this.watching.map((person, i) => new Handset(person, { proc: `watcher-${i}`, gateway: i, rooms, history, pinned: true }));
    const talkers = this.talking.map((person, i) => new Handset(person, { proc: `talker-${i}`, gateway: i % count, rooms, history }));
    this.handsets = [...watchers, ...talkers];
    this.talkers = talkers.map((handset) => {
      const random = new Random(this.seed, handset.proc);
      return new Talker(handset, { rooms, history, random, thinkMs: THINK_MS });
    });
    this.wardens = this.talking.filter((_, i) => i % 2 === 1).map((person, i) => {
      const random = new Random(this.seed, `warden ${i}`);
      return new Warden(this.owner, person, rooms[i % rooms.length], { history, random });
    });
  }

  work() {
    this.working = [...this.talkers, ...this.wardens].map((worker) => worker.run(this.gate));
  }

  /** Everybody finishes what they are doing. */
  async goHome() {
    await this.gate.end();
    await Promise.all(this.working);
  }

  leave() {
    for (const handset of this.handsets) handset.close();
  }
}
