import { Device } from '../../flow/harness/device.js';
import { Follower } from './follower.js';

/** One device of a person: the public client, which goes to the next gateway when one fails, and the rooms that it follows. */
export class Handset {
  /** `pinned`: comes back to its own gateway always. */
  constructor(person, { proc, gateway, rooms, history, pinned = false }) {
    this.proc = proc;
    this.device = new Device(person, { gateway, timeout: 3_000, maxServerPingDelay: 10_000, name: proc });
    this.followers = rooms.map((room) => new Follower(this.device, room.id, history, proc));
    const count = person.chat.servers.gateways.length;
    if (!pinned) this.device.client.on('connecting', () => (this.device.gateway = (this.device.gateway + 1) % count));
    if (!pinned) this.device.client.on('error', () => (this.device.gateway = (this.device.gateway + 1) % count));
  }

  get gateway() {
    return this.device.gateway;
  }

  async open() {
    this.device.client.connect();
    await Promise.all(this.followers.map((follower) => follower.open()));
  }

  follower(room) {
    return this.followers.find((follower) => follower.room === room);
  }

  close() {
    for (const follower of this.followers) follower.close();
    this.device.close();
  }
}
