/**
 * The client core: accounts, chat list and rooms kept true over HTTP and a Centrifuge socket. Knows
 * the wire and nothing of any framework; what changes says so through a Signal. README.md tells how
 * an application uses it.
 */
export { Api } from './api.js';
export type { ChangesPage, EventsPage } from './api.js';
export { Client } from './client.js';
export { Gateways } from './gateways.js';
export type { Live } from './live.js';
export { RoomLog } from './log.js';
export type { Skipped } from './log.js';
export { newNonce } from './outbox.js';
export type { Outbox, Pending } from './outbox.js';
export { Problem, SignedOut, explain, isTemporary } from './problem.js';
export { Room } from './room.js';
export type { RoomOptions, RoomState } from './room.js';
export { Sequence } from './sequence.js';
export { Signal } from './signal.js';
export { Statuses } from './status.js';
export { ChatStore } from './store.js';
export type { ChatLine } from './store.js';
export { backoffMs, sleep } from './time.js';
export { Timeline } from './timeline.js';
export type { Entry } from './timeline.js';
export { Tokens } from './tokens.js';
export type { TokenShelf } from './tokens.js';
export type * from './types.js';
