import type {
  Centrifuge,
  PresenceResult,
  PresenceStatsResult,
  PublicationContext,
  SubscribedContext,
  Subscription,
  SubscriptionEvents,
  SubscriptionOptions,
} from 'centrifuge';

const TOLD = ['publication', 'join', 'leave', 'subscribed', 'unsubscribed', 'error'] as const;
type Told = (typeof TOLD)[number];

/** One of those who follow a channel. */
export class Follower {
  private readonly listeners = new Map<Told, (context: never) => void>();

  constructor(private readonly channel: Channel) {}

  get isSubscribed(): boolean {
    return this.channel.subscription.state === 'subscribed';
  }

  /** One listener for each kind of news. */
  on<T extends Told>(what: T, listener: SubscriptionEvents[T]): void {
    this.listeners.set(what, listener as (context: never) => void);
  }

  tell(what: Told, context: unknown): void {
    this.listeners.get(what)?.(context as never);
  }

  subscribe(): void {
    this.channel.join(this);
  }

  publish(data: unknown): Promise<unknown> {
    return this.channel.subscription.publish(data);
  }

  presence(): Promise<PresenceResult> {
    return this.channel.subscription.presence();
  }

  presenceStats(): Promise<PresenceStatsResult> {
    return this.channel.subscription.presenceStats();
  }

  close(): void {
    this.listeners.clear();
    this.channel.part(this);
  }
}

/**
 * One channel, however many follow it: a connection may subscribe to it once. Who comes later is told
 * the truth, that it is subscribed from the newest position on and nothing was recovered for it.
 */
export class Channel {
  readonly subscription: Subscription;
  private readonly followers = new Set<Follower>();
  private position = { offset: 0, epoch: '' };
  private isOver = false;

  constructor(
    private readonly client: Centrifuge,
    name: string,
    options: Partial<SubscriptionOptions>,
    private readonly onOver: () => void,
  ) {
    this.subscription = client.newSubscription(name, options);
    for (const what of TOLD) this.subscription.on(what, (context: unknown) => this.tell(what, context));
  }

  follow(): Follower {
    const follower = new Follower(this);
    this.followers.add(follower);
    return follower;
  }

  join(follower: Follower): void {
    if (this.subscription.state === 'unsubscribed') this.subscription.subscribe();
    else if (this.subscription.state === 'subscribed') queueMicrotask(() => this.welcome(follower));
  }

  part(follower: Follower): void {
    if (this.followers.delete(follower) && this.followers.size === 0) this.end();
  }

  private welcome(follower: Follower): void {
    if (this.subscription.state !== 'subscribed') return; /* what comes of it is told to all */
    follower.tell('subscribed', { wasRecovering: true, recovered: false, streamPosition: { ...this.position } });
  }

  private tell(what: Told, context: unknown): void {
    if (what === 'subscribed') this.position = { ...this.position, ...(context as Partial<SubscribedContext>).streamPosition };
    if (what === 'publication') this.position.offset = (context as Partial<PublicationContext>).offset ?? this.position.offset;
    if (what === 'unsubscribed') this.end(); /* for good: the next who comes makes a new one */
    for (const follower of [...this.followers]) follower.tell(what, context);
  }

  private end(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.onOver();
    this.subscription.removeAllListeners();
    this.subscription.unsubscribe();
    this.client.removeSubscription(this.subscription);
  }
}
