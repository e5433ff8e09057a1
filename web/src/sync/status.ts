import type { Follower } from './channel.js';
import { Signal } from './signal.js';
import type { Socket } from './socket.js';
import type { Status, StatusEvent, User } from './types.js';

/**
 * `status:{user}` of the people on screen: are they online, and what do they say about themselves now.
 * Follow a person while they are shown; however many do, there is one subscription.
 */
export class Statuses {
  readonly changed = new Signal<Status>();
  /** Somebody changed their profile. */
  readonly profiles = new Signal<User>();

  private readonly followed = new Map<string, { count: number; follower: Follower; status: Status }>();

  constructor(private readonly socket: Socket) {}

  /** Undefined: nobody follows the person. */
  get(userId: string): Status | undefined {
    return this.followed.get(userId)?.status;
  }

  /** Answers how to stop it. */
  follow(userId: string): () => void {
    const entry = this.followed.get(userId) ?? this.open(userId);
    entry.count++;
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      if (--entry.count > 0) return;
      this.followed.delete(userId);
      entry.follower.close();
    };
  }

  private open(userId: string) {
    const entry = { count: 0, follower: this.socket.open(`status:${userId}`), status: { user_id: userId } as Status };
    this.followed.set(userId, entry);
    entry.follower.on('subscribed', ({ data }) => this.take(data as Status));
    entry.follower.on('publication', ({ data }) => this.onPublication(data as StatusEvent));
    entry.follower.on('unsubscribed', () => this.forget(userId)); /* not for us any more */
    entry.follower.on('error', () => {}); /* the library tries again by itself */
    entry.follower.subscribe();
    return entry;
  }

  private onPublication(event: StatusEvent): void {
    if (event.type === 'profile') this.profiles.emit(event.user);
    else if (event.type === 'status') this.take(event);
  }

  private take({ user_id, online, last_seen_at, changed_at }: Status): void {
    const entry = this.followed.get(user_id);
    if (entry === undefined || (changed_at ?? '') < (entry.status.changed_at ?? '')) return;
    entry.status = { user_id, online, last_seen_at, changed_at };
    this.changed.emit(entry.status);
  }

  private forget(userId: string): void {
    const entry = this.followed.get(userId);
    if (entry === undefined) return;
    entry.status = { user_id: userId };
    this.changed.emit(entry.status);
  }
}
