/**
 * The client core: accounts, chat list and rooms kept true over HTTP and a Centrifuge socket. Knows
 * the wire and nothing of any framework; what changes says so through a Signal.
 */
export { Api } from './api.js';
export { Client } from './client.js';
export { Gateways } from './gateways.js';
export type { Pending } from './outbox.js';
export { Problem, SignedOut, explain, isTemporary } from './problem.js';
export { Room } from './room.js';
export type { RoomState } from './room.js';
export { Signal } from './signal.js';
export { ChatStore } from './store.js';
export type { ChatLine } from './store.js';
export { backoffMs, sleep } from './time.js';
export { Timeline } from './timeline.js';
export type { Entry } from './timeline.js';
export { Tokens } from './tokens.js';
export type * from './types.js';
