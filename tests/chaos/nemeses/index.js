/**
 * All that befalls the servers: {name, what, holdMs: [least, most], choose(random, {apis, gateways}) -> plan with a `target` to read,
 * begin(world, plan), end(world, plan)}; and perhaps after(world, plan), which, once all is well, makes ready for the next one.
 * Another kind is one more of these objects in the list.
 */
import { kill, pause, restart, skew } from './processes.js';
import { failover, flush, postgres, redisPause, redisStop, terminate } from './stores.js';
import { cut, delay, drop, duplicate, reorder, silence } from './wires.js';

export const NEMESES = [kill, restart, pause, skew, cut, silence, delay, drop, duplicate, reorder, flush, redisStop, redisPause, postgres, failover, terminate];
