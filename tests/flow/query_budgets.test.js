// How many statements each operation costs PostgreSQL when the cache knows nothing: in each lane that it touches, and besides. Whoever adds an
// operation says what it may cost; whoever makes one dearer finds out here.
import assert from 'node:assert/strict';
import { chat, configure, eventually, running, test } from './harness/index.js';
import { Contract } from './harness/contract.js';
import { Sample, settle } from './harness/sample.js';

configure({ apis: 1, gateways: 0, postgresSettings: ['shared_preload_libraries=pg_stat_statements', 'pg_stat_statements.track_utility=off'] });

const operations = Contract.read().operations.filter(({ address }) => address.startsWith('/v1/'));

/** operationId: [statements in the lane that has most of them, statements that name no lane]. */
const BUDGETS = {
  getConfig: [0, 0],
  getOpenapi: [0, 0],
  searchMessages: [2, 0], // one more when no word matches
  searchUsers: [0, 1],
  listStatuses: [0, 1],
  register: [0, 1],
  getUser: [0, 1],
  getMe: [0, 1],
  changeMe: [0, 2],
  changeEmail: [0, 2],
  changePassword: [0, 2],
  listContacts: [0, 1],
  addContact: [0, 1],
  removeContact: [0, 1],
  listBlocks: [0, 1],
  blockUser: [0, 2],
  unblockUser: [0, 1],
  listChanges: [1, 2],
  signIn: [0, 2],
  listSessions: [0, 1],
  endAllSessions: [0, 1],
  refresh: [0, 1],
  signOut: [0, 1],
  endSession: [0, 1],
  listChats: [2, 1],
  createRoom: [4, 1],
  openDirectRoom: [4, 3],
  listPublicRooms: [1, 0],
  enterRoomBySlug: [7, 1], // one that is there already is joined
  enterRoomByName: [7, 1], // the same
  openRoom: [5, 1],
  changeRoom: [6, 0],
  deleteRoom: [12, 1], // what was in it goes afterwards, piece by piece; the first piece at once
  joinRoom: [4, 0],
  leaveRoom: [3, 0],
  listMembers: [2, 1],
  addMember: [4, 0],
  removeMember: [3, 0],
  listBans: [2, 0],
  ban: [4, 0],
  unban: [3, 0],
  sendMessage: [2, 0],
  listMessages: [2, 0],
  getMessage: [2, 0],
  editMessage: [4, 0],
  deleteMessage: [3, 0],
  listRevisions: [2, 0],
  react: [3, 0],
  listReacted: [2, 0],
  unreact: [3, 0],
  pin: [3, 0],
  unpin: [3, 0],
  listPins: [2, 0],
  listEvents: [2, 0],
  setNotify: [2, 0],
  archiveRoom: [2, 0],
  unarchiveRoom: [2, 0],
  pinChat: [3, 0],
  unpinChat: [2, 0],
  setCursor: [2, 0],
  createGroup: [0, 2],
  listGroups: [0, 1],
  listPublicGroups: [0, 1],
  getGroup: [0, 1],
  changeGroup: [0, 3],
  deleteGroup: [1, 2],
  joinGroup: [0, 2],
  leaveGroup: [0, 1],
  listGroupMembers: [0, 2],
  addGroupMember: [0, 2],
  removeGroupMember: [0, 1],
  listGroupBans: [0, 2],
  banFromGroup: [0, 2],
  unbanFromGroup: [0, 1],
  listGroupRooms: [1, 1],
  placeRoom: [4, 1],
  unplaceRoom: [3, 1],
  addTopic: [0, 3],
  changeTopic: [0, 3],
  deleteTopic: [0, 3],
};

/* What a batch owes is forgotten with one that may come just now, and locks for it: that is not the operation's. */
const ATTEMPTS = 3;

/* What goes on all the time, whoever asks: in particular a batch's outbox row is forgotten with one of the next batches. */
const BACKGROUND = /DELETE FROM lane_\d+\.outbox|search_queue|DISTINCT incarnation FROM lane_\d+\.outbox|cache_generation|pg_stat_statements|ended_sessions WHERE|pg_try_advisory_lock|FROM public\.bans|cleared_at IS NULL ORDER BY/;

async function calls() {
  const servers = await running();
  const rows = await servers.sql("SELECT queryid, calls, translate(query, E'\\n\\t', '  ') FROM pg_stat_statements WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())");
  return new Map(rows.map(([id, count, query]) => [id, { count: Number(count), query }]));
}

/** The statements of `run`, each as often as it was called: those whose count went up. */
async function statementsOf(run) {
  const before = await calls();
  await run();
  const asked = [];
  for (const [id, { count, query }] of await calls())
    for (let i = before.get(id)?.count ?? 0; i < count; i++) if (!BACKGROUND.test(query)) asked.push(query);
  return asked;
}

function cost(statements) {
  const lanes = new Map();
  let besides = 0;
  for (const query of statements) {
    const lane = /lane_\d+/.exec(query)?.[0];
    if (lane === undefined) besides++;
    else lanes.set(lane, (lanes.get(lane) ?? 0) + 1);
  }
  return [Math.max(0, ...lanes.values()), besides];
}

/** Enough of everything that a statement for each of something would show. */
async function crowd(world) {
  const { ada, bob, room } = world;
  await Promise.all(Array.from({ length: 12 }, (_, i) => ada.createRoom(`tea ${i}`, { members: [bob] })));
  for (let i = 0; i < 10; i++) await ada.post(room, `kettle ${i}`);
}

/** Nothing is owed any more: each batch forgets what those before it wrote, and locks for it. */
async function quiet() {
  const servers = await running();
  const lanes = (await servers.sql('SELECT number FROM public.lanes')).map(([number]) => `lane_${number.padStart(3, '0')}`);
  const owed = lanes.map((lane) => `SELECT 1 FROM ${lane}.outbox`).join(' UNION ALL ');
  await eventually(async () => (await servers.sql(owed)).length === 0, 'nothing owed');
  await eventually(async () => (await statementsOf(async () => {})).length === 0, 'quiet');
}

/** What `operation` asks PostgreSQL, in a world of its own of which the cache knows nothing. */
async function statementsFor(t, operation) {
  const { redis } = await running();
  const world = await settle(chat(t));
  await crowd(world);
  const sample = new Sample(world, operation);
  if (operation.id === 'listChanges') sample.query.since = '2026-01-01T00:00:00Z';
  await quiet();
  await redis.command('FLUSHALL');
  let answer;
  const statements = await statementsOf(async () => {
    answer = await sample.ask();
  });
  assert.ok(answer.status < 300, `${operation.name}: ${answer.status} ${answer.text.slice(0, 300)}`);
  return statements;
}

test('each operation has a budget, and there is no budget without an operation', () => {
  assert.deepEqual(Object.keys(BUDGETS).sort(), operations.map(({ id }) => id).sort());
});

test('no operation costs more statements than its budget', async (t) => {
  const servers = await running();
  await servers.postgres.sql('CREATE EXTENSION IF NOT EXISTS pg_stat_statements', servers.databaseName);
  const dear = [];
  for (const operation of operations) {
    const [lane, besides] = BUDGETS[operation.id] ?? [0, 0];
    let statements;
    for (let attempt = 0; attempt < ATTEMPTS && (attempt === 0 || isDear()); attempt++) statements = await statementsFor(t, operation);
    if (isDear()) dear.push(`${operation.id}: [${cost(statements)}], may [${lane},${besides}]\n    ${statements.map((query) => query.slice(0, 90)).join('\n    ')}`);

    function isDear() {
      const spent = cost(statements);
      return spent[0] > lane || spent[1] > besides;
    }
  }
  if (dear.length > 0) assert.fail(`dearer than they may be, by lane and besides:\n${dear.join('\n')}`);
});
