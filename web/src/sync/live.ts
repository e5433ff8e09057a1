import type { ClientInfo } from 'centrifuge';
import type { Follower } from './channel.js';
import { Signal } from './signal.js';
import type { Socket } from './socket.js';

const TYPING_EVERY_MS = 3_000;
const TYPING_LASTS_MS = 5_000;
/** Who left without a word (their gateway died) is told by no event. */
const ASK_EVERY_MS = 30_000;

/** `live:{room}`: who is looking at the room now, and who is typing. Nothing here is stored anywhere. */
export class Live {
  readonly changed = new Signal();

  private readonly subscription: Follower;
  private readonly watchers = new Map<string, string>(); /* connection -> user: one person may look twice */
  private readonly typists = new Map<string, ReturnType<typeof setTimeout>>();
  private meanwhile = new Map<string, string | null>(); /* joins and leaves (null) while presence is asked */
  private uncounted = 0; /* of a room with too many watchers to list */
  private saidTypingAt = 0;
  private readonly asking: ReturnType<typeof setInterval>;

  constructor(
    socket: Socket,
    roomId: string,
    private readonly myId: string,
    askEveryMs = ASK_EVERY_MS,
  ) {
    const subscription = socket.open(`live:${roomId}`, { joinLeave: true });
    subscription.on('subscribed', () => void this.takePresence());
    subscription.on('join', ({ info }) => this.enter(info));
    subscription.on('leave', ({ info }) => this.exit(info));
    subscription.on('publication', ({ data, info }) => this.onPublication(data, info));
    subscription.on('error', () => {}); /* the library tries again by itself */
    this.subscription = subscription;
    this.asking = setInterval(() => subscription.isSubscribed && void this.takePresence(), askEveryMs);
    subscription.subscribe();
  }

  /** Ids of other people. */
  get typing(): string[] {
    return [...this.typists.keys()];
  }

  /** Ids of the people who look at the room, oneself among them. */
  get viewers(): string[] {
    return [...new Set(this.watchers.values())];
  }

  get viewerCount(): number {
    return Math.max(this.uncounted, this.viewers.length);
  }

  /** A key was pressed. */
  type(): void {
    const now = Date.now();
    if (now - this.saidTypingAt < TYPING_EVERY_MS || !this.subscription.isSubscribed) return;
    this.saidTypingAt = now;
    this.subscription.publish({ type: 'typing' }).catch(() => {}); /* typing is not promised */
  }

  /** The text was sent: the next key says "typing" again. */
  stoppedTyping(): void {
    this.saidTypingAt = 0;
  }

  /** A message of theirs arrived. */
  finished(userId: string): void {
    clearTimeout(this.typists.get(userId));
    if (this.typists.delete(userId)) this.changed.emit();
  }

  close(): void {
    clearInterval(this.asking);
    for (const timer of this.typists.values()) clearTimeout(timer);
    this.typists.clear();
    this.subscription.close();
  }

  /** The answer takes the place of what was known, but for what happened since it was asked for. */
  private async takePresence(): Promise<void> {
    const meanwhile = (this.meanwhile = new Map<string, string | null>());
    try {
      const { clients } = await this.subscription.presence();
      if (this.meanwhile !== meanwhile) return; /* asked anew */
      this.uncounted = 0;
      this.watchers.clear();
      for (const [client, { user }] of Object.entries(clients)) this.watchers.set(client, user);
      for (const [client, user] of meanwhile) {
        if (user === null) this.watchers.delete(client);
        else this.watchers.set(client, user);
      }
    } catch {
      const stats = await this.subscription.presenceStats().catch(() => ({ numUsers: 0 }));
      this.uncounted = stats.numUsers;
    }
    this.changed.emit();
  }

  private enter({ client, user }: ClientInfo): void {
    this.watchers.set(client, user);
    this.meanwhile.set(client, user);
    this.changed.emit();
  }

  private exit({ client, user }: ClientInfo): void {
    this.meanwhile.set(client, null);
    this.watchers.delete(client);
    this.finished(user);
    this.changed.emit();
  }

  private onPublication(data: { type?: string; user_id?: string }, info?: ClientInfo): void {
    const userId = data.user_id ?? info?.user;
    if (data.type !== 'typing' || userId === undefined || userId === this.myId) return;
    clearTimeout(this.typists.get(userId));
    this.typists.set(
      userId,
      setTimeout(() => this.finished(userId), TYPING_LASTS_MS),
    );
    this.changed.emit();
  }
}
