// The eight, in the order of a report: name, what is promised, (history, final state) -> {ok, violations}.
import { ackedDurable } from './acked_durable.js';
import { cursorMonotonic } from './cursor_monotonic.js';
import { liveIsStored } from './live_is_stored.js';
import { membership } from './membership.js';
import { noPhantom } from './no_phantom.js';
import { realTimeOrder } from './real_time_order.js';
import { seqDense } from './seq_dense.js';
import { unreadModel } from './unread_model.js';

export const CHECKERS = [
  { name: 'acked-durable', promise: 'what was acknowledged is stored, once, under the number that was told', check: ackedDurable },
  { name: 'no-phantom', promise: 'what is stored was sent; what was refused is not there', check: noPhantom },
  { name: 'seq-dense', promise: 'a room is numbered 1, 2, 3 … without hole or repeat', check: seqDense },
  { name: 'live=stored', promise: 'every subscriber got all of it, in order, once, or was told of the gap', check: liveIsStored },
  { name: 'real-time-order', promise: 'who sends after an acknowledgement comes after it', check: realTimeOrder },
  { name: 'cursor-monotonic', promise: 'a read position never goes back, and none is lost', check: cursorMonotonic },
  { name: 'unread-model', promise: 'unread counts follow from log and cursor, by every API', check: unreadModel },
  { name: 'membership', promise: 'who is removed gets all before it, and nothing after', check: membership },
];
